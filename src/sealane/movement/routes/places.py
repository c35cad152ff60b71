"""What an end of a route may be called: UN/LOCODE, World Port Index number or name, or a position."""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from functools import cache

from sealane.errors import DataError, Fault
from sealane.movement.geodesy import normalise_lon
from sealane.movement.routes.route import Place
from sealane.reference import ports

_POSITION = re.compile(r"^\s*([+-]?\d+(?:\.\d*)?)\s*,\s*([+-]?\d+(?:\.\d*)?)\s*$")
_FORMS = "a UN/LOCODE (USLAX), a number of the World Port Index (16080), its name of a port (Yokohama) or lat,lon"


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name)
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).casefold().split())


@cache
def _by_name() -> dict[str, tuple[ports.Port, ...]]:
    found: dict[str, dict[tuple[str, float, float], ports.Port]] = {}
    for port in ports.all_ports():
        for name in (port.name, port.alternate_name):
            if name:
                found.setdefault(_folded(name), {})[port.wpi_number, port.lat, port.lon] = port
    return {name: tuple(same.values()) for name, same in found.items()}


@cache
def _by_number() -> dict[str, ports.Port]:
    numbers: dict[str, ports.Port] = {}
    for port in ports.all_ports():
        numbers.setdefault(port.wpi_number, port)
    return numbers


def checked_position(lat: float, lon: float, where: str) -> tuple[float, float]:
    """Latitude and longitude in [-180, 180), or an error that says what is wrong.

    Raises
    ------
    DataError : not a position in degrees.
    """
    if not (math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90.0 and abs(lon) <= 360.0):
        remedy = "Give degrees, latitude first: -90 to 90, then longitude -180 to 180."
        raise DataError("This is no position.", [Fault(where, f"{lat:g},{lon:g}", remedy)])
    return lat, float(normalise_lon(lon))


def place(text: str, where: str = "place") -> Place:
    """The place a text names.

    Parameters
    ----------
    text : UN/LOCODE, number or name of a port in the World Port Index (case and accents do not matter), or
        ``lat,lon`` in degrees.
    where : how an error calls it, e.g. ``origin``.

    Raises
    ------
    DataError : nothing has this name, or several ports have; says the nearest.
    """
    position = _POSITION.match(text)
    if position:
        lat, lon = checked_position(float(position[1]), float(position[2]), where)
        return Place(f"{lat:g},{lon:g}", f"{lat:g}, {lon:g}", lat, lon)
    port = ports.find_port(text) if len(text.replace(" ", "")) == 5 else None
    port = port or _by_number().get(text.strip())
    if port is not None:
        return _of_port(port)
    named = _by_name().get(_folded(text), ()) or _beginning(_folded(text))
    if len(named) == 1:
        return _of_port(named[0])
    if named:
        which = ", ".join(f"{p.wpi_number} ({p.name}, {p.country})" for p in named)
        raise DataError(
            f"'{text}' names {len(named)} ports.", [Fault(where, f"'{text}'", f"Give the number of one: {which}.")]
        )
    hints = difflib.get_close_matches(_folded(text), _by_name(), n=3)
    near = [f"{_by_name()[h][0].name} ({_by_name()[h][0].wpi_number}, {_by_name()[h][0].country})" for h in hints]
    near += [f"{p.locode} ({p.name})" for code in _near_codes(text) if (p := ports.find_port(code)) is not None]
    remedy = f"Give {_FORMS}." + (f" Near: {', '.join(dict.fromkeys(near))}." if near else "")
    raise DataError(f"Unknown place '{text}'.", [Fault(where, f"'{text}'", remedy)])


def _beginning(words: str) -> tuple[ports.Port, ...]:
    """Ports whose name begins with these words: the index writes Yokohama Ko."""
    if len(words) < 4:
        return ()
    found = {
        port.wpi_number: port for name, same in _by_name().items() if name.startswith(words + " ") for port in same
    }
    return tuple(found.values())


def _near_codes(text: str) -> list[str]:
    code = text.replace(" ", "").upper()
    known = {port.locode for port in ports.all_ports() if port.locode} | set(ports.verified_locodes())
    return difflib.get_close_matches(code, sorted(known), n=3) if len(code) == 5 else []


def _of_port(port: ports.Port) -> Place:
    return Place(port.locode or port.wpi_number, port.name, port.lat, float(normalise_lon(port.lon)))
