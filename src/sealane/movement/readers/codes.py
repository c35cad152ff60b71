"""Code lists of AIS texts: what publishers write in words, as the numbers of ITU-R M.1371.

Sources: ITU-R M.1371-5 (navigational status, table 45 of annex 8; type of ship, table 53); the words MarineCadastre
used for Status in 2015-2017; the words of the Danish Maritime Authority's CSV; NOAA / USCG / BOEM, "AIS Vessel Type
and Group Codes used by the Marine Cadastre Project", 2018-05-23, whose codes 1001-1025 (Coast Guard service types)
are brought to the AIS code of the group that document puts them in.
"""

from __future__ import annotations

# Keys are compared in lower case without punctuation, see `key`.
NAV_STATUS_WORDS: dict[str, int | None] = {
    "under way using engine": 0,
    "underway using engine": 0,
    "at anchor": 1,
    "not under command": 2,
    "restricted maneuverability": 3,
    "restricted manoeuverability": 3,
    "restricted manoeuvrability": 3,
    "constrained by her draught": 4,
    "constrained by her draft": 4,
    "moored": 5,
    "aground": 6,
    "engaged in fishing": 7,
    "under way sailing": 8,
    "underway sailing": 8,
    "reserved for future amendment hsc": 9,
    "reserved for future use 9": 9,
    "reserved for future amendment wig": 10,
    "reserved for future use 10": 10,
    "power driven vessel towing astern": 11,
    "reserved for future use 11": 11,
    "power driven vessel pushing ahead or towing alongside": 12,
    "reserved for future use 12": 12,
    "reserved for future use 13": 13,
    "reserved for future use": 13,
    "ais sart": 14,
    "ais sart active": 14,
    "ais sart active mob ais epirb ais": 14,
    "reserved for future use 14": 14,
    "undefined": 15,
    "not defined": 15,
    # Base stations and aids to navigation have no status; nor has a class B report.
    "unknown value": None,
    "unknown": None,
}

SHIP_TYPE_WORDS: dict[str, int | None] = {
    "wig": 20,
    "fishing": 30,
    "towing": 31,
    "towing long wide": 32,
    "dredging": 33,
    "diving": 34,
    "military": 35,
    "sailing": 36,
    "pleasure": 37,
    "hsc": 40,
    "pilot": 50,
    "sar": 51,
    "tug": 52,
    "port tender": 53,
    "anti pollution": 54,
    "law enforcement": 55,
    "spare 1": 56,
    "spare 2": 57,
    "medical": 58,
    "not party to conflict": 59,
    "ships according to rr": 59,
    "passenger": 60,
    "cargo": 70,
    "tanker": 80,
    "other": 90,
    "reserved": None,
    "undefined": None,
    "unknown": None,
}

COAST_GUARD_TYPES: dict[int, int] = {
    1001: 30,
    1002: 30,
    1003: 70,
    1004: 70,
    1005: 90,
    1006: 90,
    1007: 90,
    1008: 90,
    1009: 90,
    1010: 90,
    1011: 90,
    1012: 60,
    1013: 60,
    1014: 60,
    1015: 60,
    1016: 70,
    1017: 80,
    1018: 90,
    1019: 37,
    1020: 90,
    1022: 90,
    1023: 31,
    1024: 80,
    1025: 31,
}

TRANSCEIVER_WORDS: dict[str, str | None] = {
    "a": "A",
    "b": "B",
    "class a": "A",
    "class b": "B",
    # The Danish files name other stations here; their MMSI tells them, and cleaning counts them.
    "base station": None,
    "aton": None,
    "sar airborne": None,
    "search and rescue transponder": None,
    "man overboard device": None,
    "epirb": None,
    "unknown": None,
}


def key(text: str) -> str:
    """The form in which words are compared: lower case, punctuation as one blank."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())
