"""Words for the codes of an inventory; marked for translation, translated where they are shown."""

from __future__ import annotations

from sealane.web.words import N_

QUANTITIES = {
    "mass": N_("Mass emitted"),
    "energy": N_("Energy"),
    "hours": N_("Vessel hours"),
    "distance": N_("Distance sailed"),
    "calls": N_("Port calls"),
    "ships": N_("Ships"),
    "unobserved": N_("Hours of port calls without reports"),
    "interpolated": N_("Hours of port calls filled between two reports"),
    "gaps": N_("Gaps without reports in port calls"),
    "share": N_("Share of the mass emitted"),
    "filled": N_("Share that rests on filled inputs"),
    "quality": N_("Quality of the data"),
}
DIMENSIONS = {
    "pollutant": N_("Pollutant"),
    "basis": N_("Basis"),
    "in_call": N_("In a port call"),
    "mode": N_("Mode"),
    "source": N_("Source"),
    "ship_class": N_("Ship type"),
    "mmsi": N_("Ship"),
    "call_id": N_("Port call"),
    "zone": N_("Zone"),
    "evidence": N_("Mode decided by"),
    "grade": N_("Grade"),
    "confidence": N_("Confidence"),
    "truncated": N_("Ends not seen"),
    "ship": N_("Ship found by"),
    "hour": N_("Hour (UTC)"),
    "line": N_("Load line"),
    "skip": N_("Without the largest"),
    "item": N_("Item"),
}
POLLUTANTS = {
    "co2e": "CO2e",
    "co2": "CO2",
    "ch4": "CH4",
    "n2o": "N2O",
    "nox": "NOx",
    "so2": "SO2",
    "pm10": "PM10",
    "pm25": "PM2.5",
    "dpm": N_("Diesel PM"),
    "hc": "HC",
    "co": "CO",
    "bc": N_("Black carbon"),
}
BASES = {"ttw": N_("tank-to-wake"), "wtw": N_("well-to-wake"), "wtt": N_("well-to-tank")}
MODES = {
    "transit": N_("Transit"),
    "manoeuvring": N_("Manoeuvring"),
    "anchorage": N_("At anchor"),
    "berth": N_("At berth"),
    "drift": N_("Adrift"),
}
SOURCES = {
    "main": N_("Main engines"),
    "auxiliary": N_("Auxiliary engines"),
    "boiler": N_("Boilers"),
    "shore_power": N_("Shore power"),
}
EVIDENCE = {
    "zone": N_("zone"),
    "learnt_zone": N_("learnt zone"),
    "status": N_("reported status"),
    "motion": N_("motion"),
    "interpolated": N_("interpolated"),
}
YES_NO = {"yes": N_("yes"), "no": N_("no")}
TRUNCATED = {
    "none": N_("both ends seen"),
    "start": N_("arrival not seen"),
    "end": N_("departure not seen"),
    "both": N_("neither end seen"),
}
CODES: dict[str, dict[str, str]] = {
    "pollutant": POLLUTANTS,
    "basis": BASES,
    "mode": MODES,
    "source": SOURCES,
    "evidence": EVIDENCE,
    "in_call": YES_NO,
    "truncated": TRUNCATED,
}
NO_CALL = N_("in no port call")
NO_ZONE = N_("in no zone")
REST = N_("all others")
LINES = N_("Load line")


def label(dim: str, code: str) -> str:
    """Words for a code; the code itself where it is a name."""
    return CODES.get(dim, {}).get(code, code)
