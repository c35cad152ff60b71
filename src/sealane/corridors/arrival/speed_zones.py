"""Speed-reduction programmes near a port: cap, season and zone, as dated rows.

A programme asks ships for a speed at most, inside a zone, in a season: 12 kn within 20 or 40 nm of Point Fermin (Ports
of Los Angeles and Long Beach), 10 kn in the whale zones off California. What a passage through a zone was like stands
in `speed_passages`, what it cost and could have cost in `speed_savings`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cache

from sealane.errors import DataError, Fault, MissingFactorError
from sealane.movement.geodesy import great_circle_nm
from sealane.movement.zone_index import ZoneIndex, locate
from sealane.movement.zone_shapes import KINDS, Polygon, Zone, ZoneSet
from sealane.movement.zones import GEO, read_zones
from sealane.reference import FactorRow, load_table
from sealane.reference.ports import port as port_of

_SPEED_ZONE = KINDS.index("speed_zone")
NO_OUTLINE = "none"


@dataclass(frozen=True)
class Programme:
    """One season of one programme.

    Attributes
    ----------
    name, season : e.g. ``whale-california``, ``2026``; ``always`` for a programme without season.
    cap_kn : highest speed asked for.
    zone : where; its ``polygons`` are the outline.
    inner : part of the zone that does not count, since ships are slow there anyway; None for none.
    first, last : first and last day; `last` None while no end is known.
    least_gt : smallest gross tonnage asked; None for every ship.
    rows : published rows.
    """

    name: str
    season: str
    cap_kn: float
    zone: Zone
    inner: Zone | None
    first: date
    last: date | None
    least_gt: float | None
    rows: tuple[FactorRow, ...]

    @property
    def label(self) -> str:
        """Name, with the season where there is one."""
        return self.name if self.season == "always" else f"{self.name} {self.season}"

    def in_force(self, day: date) -> bool:
        """True if the programme asks for its speed on this day."""
        return self.first <= day and (self.last is None or day <= self.last)


@cache
def shipped_speed_zones() -> ZoneSet:
    """The speed zones that come with the package; each names its source and grade."""
    return ZoneSet(read_zones(GEO / "speed_zones.geojson").of_kind("speed_zone"))


@cache
def _harbour_approach() -> Zone:
    """Regulated navigation area before the breakwater of San Pedro Bay: the programme of 2001 ends at its outer edge.

    The programme names the precautionary area; the regulated navigation area stands for it (our assumption).
    """
    document = json.loads((GEO / "san_pedro_bay_lanes.geojson").read_text("utf-8"))
    feature = next(f for f in document["features"] if "165.1152" in f["properties"]["source"])
    line = [(float(lon), float(lat)) for lon, lat in feature["geometry"]["coordinates"]]
    ring: Polygon = ((*line, line[0]),) if line[0] != line[-1] else (tuple(line),)
    source = f"{feature['properties']['source']}; closed by us along the breakwater"
    name = feature["properties"]["name"]
    return Zone("spb-approach", name, "speed_zone", None, (ring,), source, "C")


def programme_names() -> tuple[str, ...]:
    """Names of the programmes held."""
    return tuple(dict.fromkeys(row.text("programme") for row in load_table("speed_programmes").rows))


def seasons(name: str) -> tuple[str, ...]:
    """Seasons of a programme, in the order of the table."""
    rows = load_table("speed_programmes").find(programme=name, quantity="cap")
    return tuple(row.text("season") for row in rows)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def programme(name: str, season: str | None = None, outline: Zone | None = None) -> Programme:
    """A season of a programme.

    Parameters
    ----------
    name : one of `programme_names`.
    season : one of `seasons`; None: the last one that has an outline, or the last one if `outline` is given.
    outline : the user's outline of the zone; it goes before the shipped one.

    Raises
    ------
    DataError
        for an unknown name or season.
    MissingFactorError
        where no outline of the zone is held and none is given.
    """
    table = load_table("speed_programmes")
    if name not in programme_names():
        remedy = f"Give one of: {', '.join(programme_names())}"
        raise DataError("There is no such programme.", [Fault("programme", f"'{name}'", remedy)])
    held = [row.text("season") for row in table.find(programme=name, quantity="cap") if row.text("zone") != NO_OUTLINE]
    season = season or (seasons(name)[-1] if outline is not None else held[-1])
    if season not in seasons(name):
        remedy = f"Give one of: {', '.join(seasons(name))}"
        raise DataError("The programme has no such season.", [Fault("season", f"'{season}'", remedy)])
    rows = table.find(programme=name, season=season)
    by_quantity = {row.text("quantity"): row for row in rows}
    cap = by_quantity["cap"]
    zone = outline
    if zone is None:
        if cap.text("zone") == NO_OUTLINE:
            raise MissingFactorError(
                f"No outline of {name} in {season} is held: {cap.text('note')}. Give it as GeoJSON, a feature of kind "
                f"speed_zone (--zones), or take a season with an outline: {', '.join(held)}."
            )
        zone = next(z for z in shipped_speed_zones() if z.id == cap.text("zone"))
    size = by_quantity.get("least_size")
    return Programme(
        name=name,
        season=season,
        cap_kn=cap.value,
        zone=zone,
        inner=_harbour_approach() if name.startswith("san-pedro-bay") else None,
        first=_day(cap.text("in_force_from")) or cap.valid_from,
        last=_day(cap.text("in_force_to")),
        least_gt=size.value if size else None,
        rows=rows,
    )


def own_programme(zone: Zone, cap_kn: float) -> Programme:
    """A programme of the user's: a zone of kind ``speed_zone`` and a cap [kn], in force at all times.

    Raises
    ------
    DataError
        for a cap that is no speed, or a zone of another kind.
    """
    faults = []
    if not 0.0 < cap_kn <= 60.0:
        faults.append(Fault("cap_kn", f"{cap_kn}", "Give a speed above 0, at most 60 kn"))
    if zone.kind != "speed_zone":
        faults.append(Fault(f"zone {zone.id}, kind", f"'{zone.kind}'", "Give a zone of kind speed_zone"))
    if faults:
        raise DataError("The programme cannot be used.", faults)
    first = zone.valid_from or date.min
    return Programme(zone.id, "always", cap_kn, zone, None, first, None, None, ())


def _near(zone: Zone, lat: float, lon: float, within_nm: float) -> bool:
    if locate(ZoneIndex.build(ZoneSet((zone,))).arrays, lat, lon)[_SPEED_ZONE] >= 0:
        return True
    corners = (corner for polygon in zone.polygons for corner in polygon[0])
    return any(great_circle_nm(lat, lon, y, x) <= within_nm for x, y in corners)


def programmes_in_force(first: date, last: date, port: str | None = None) -> tuple[Programme, ...]:
    """Programmes with an outline that hold on any day of a period.

    Parameters
    ----------
    first, last : days of the data, both included.
    port : UN/LOCODE; only programmes whose zone holds the port or has a corner within 25 nm of it.

    Raises
    ------
    DataError
        for an unknown port.
    """
    found = []
    place = port_of(port) if port else None
    for name in programme_names():
        for row in load_table("speed_programmes").find(programme=name, quantity="cap"):
            if row.text("zone") == NO_OUTLINE:
                continue
            one = programme(name, row.text("season"))
            if one.first > last or (one.last is not None and one.last < first):
                continue
            if place is None or _near(one.zone, place.lat, place.lon, 25.0):
                found.append(one)
    return tuple(found)
