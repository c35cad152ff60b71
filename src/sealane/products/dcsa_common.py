"""Parts that several DCSA standards share: locations, voyages, services. Property names and codes are DCSA's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sealane.products.codes import (
    Wrong,
    container_fault,
    has_container_form,
    imo_fault,
    locode_fault,
    shown,
    terminal_fault,
)
from sealane.products.shapes import Group, Leaf, Shape, code, one_of, text

_DEGREES = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]+)?")


def _degrees(limit: int) -> Leaf:
    def check(value: Any) -> Wrong | None:
        if type(value) is str and len(value) <= 20 and _DEGREES.fullmatch(value) and abs(float(value)) <= limit:
            return None
        return Wrong(shown(value), f"Give decimal degrees from -{limit} to {limit} as text.")

    return Leaf(f"decimal degrees as text, -{limit} to {limit}", check)


def equipment_leaf() -> Leaf:
    """Return the number of a container: check digit verified where it has the form of ISO 6346.

    The standard lets equipment without such a number through; that is a caution.
    """

    def check(value: Any) -> Wrong | None:
        if type(value) is not str or not 1 <= len(value) <= 11:
            return Wrong(shown(value), "Give a container number of 11 characters, e.g. CSQU3054383.")
        return container_fault(value) if has_container_form(value) or not value.isprintable() else None

    return Leaf("container number (ISO 6346)", check, container_fault)


def imo_leaf() -> Leaf:
    """Return an IMO number whose check digit must be right."""
    return code(imo_fault, "IMO number")


def named_imo_leaf() -> Leaf:
    """Return the IMO number of a vessel that is only named beside what the record is about.

    Seven digits are a must. A wrong check digit is a caution, and the number is then not used to join or to filter:
    DCSA's own published examples of schedules and milestones carry such numbers.
    """

    def form(value: Any) -> Wrong | None:
        if type(value) is str and len(value) == 7 and value.isascii() and value.isdigit():
            return None
        return Wrong(shown(value), "An IMO number has seven digits, without the letters IMO.")

    return Leaf("IMO number", form, imo_fault)


def locode_leaf() -> Leaf:
    """Return a UN/LOCODE."""
    return code(locode_fault, "UN/LOCODE")


FACILITY_TYPES = ("BORD", "CLOC", "COFS", "OFFD", "DEPO", "INTE", "POTE", "RAMP", "WAYP")
DELAY_REASON = text(3, pattern="[A-Z0-9]{1,3}", form="a delay reason code of SMDG, up to three capitals or digits")
COUNTRY = text(2, pattern="[A-Z]{2}", form="two capital letters of ISO 3166-1")
SERVICE_REFERENCE = text(8, pattern="SR[0-9]{5}[A-Z]", form="SR, five digits and a capital letter")
VOYAGE_REFERENCE = text(
    5, pattern="[0-9]{2}[0-9A-Z]{2}[NEWSR]", form="two digits of the year, two of the sequence and N, E, W, S or R"
)
SERVICE = Group({"carrierServiceCode": text(50), "universalServiceReference": SERVICE_REFERENCE})
VOYAGE = Group({"carrierVoyageNumber": text(50), "universalVoyageReference": VOYAGE_REFERENCE})


def _facility_code(value: Any) -> Wrong | None:
    return terminal_fault(value) if isinstance(value, str) else Wrong(shown(value), "Give text.")


FACILITY_CODE = text(6, advice=_facility_code)


def location(extra_facility: Mapping[str, Shape], extra_address: Mapping[str, Shape]) -> Group:
    """Return the location of Port Call 2.0.0; Track & Trace 3.0.0 adds members to facility and address."""
    return Group(
        {
            "locationName": text(100),
            "facilityTypeCode": one_of(*FACILITY_TYPES),
            "address": Group(
                {
                    "street": text(70),
                    "streetNumber": text(50),
                    "floor": text(50),
                    "postCode": text(10),
                    "POBox": text(20),
                    "city": text(35),
                    "stateRegion": text(65),
                    "countryCode": COUNTRY,
                    **extra_address,
                }
            ),
            "UNLocationCode": locode_leaf(),
            "facility": Group(
                {
                    **extra_facility,
                    "facilityCode": FACILITY_CODE,
                    "facilityCodeListProvider": one_of("SMDG", "BIC"),
                }
            ),
            "geoCoordinate": Group({"latitude": _degrees(90), "longitude": _degrees(180)}),
        }
    )


def at(payload: Any, *names: str) -> Any:
    """Return what lies at the end of a path of properties, None where the path breaks."""
    for name in names:
        if not isinstance(payload, dict):
            return None
        payload = payload.get(name)
    return payload


def voyage_number(call: Any) -> str | None:
    """Return the carrier's export voyage number, else the import one, else the universal references."""
    for name in ("carrierVoyageNumber", "universalVoyageReference"):
        for side in ("exportVoyageNumberOrReference", "importVoyageNumberOrReference"):
            found = at(call, side, name)
            if isinstance(found, str):
                return found
    return None


def sound_imo(value: Any) -> str | None:
    """Return an IMO number that may join records, None where its check digit is wrong."""
    return value if isinstance(value, str) and imo_fault(value) is None else None
