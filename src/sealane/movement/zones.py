"""Zones: berths, anchorages, port limits, emission control areas and speed zones, read from GeoJSON.

The properties of a feature are documented in docs/reference/zones.md. The zones that come with the package stand as
GeoJSON under ``reference/geo``, each with its source.
"""

from __future__ import annotations

import datetime as dt
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import sealane.reference
from sealane.errors import DataError, Fault, FileFormatError
from sealane.movement.geodesy import NAUTICAL_MILE_M, great_circle_nm, normalise_lon
from sealane.movement.zone_shapes import (
    GRADES,
    KINDS,
    Polygon,
    Ring,
    Zone,
    ZoneSet,
    circle_polygon,
    first_crossing,
    polygon_area_m2,
    unwrap,
    zone_area_m2,
)
from sealane.reference import ports

__all__ = [
    "GRADES",
    "KINDS",
    "Polygon",
    "Ring",
    "Zone",
    "ZoneSet",
    "circle_polygon",
    "eca_zones",
    "limit_circle",
    "polygon_area_m2",
    "read_zones",
    "shipped_zones",
    "write_zones",
    "zone_area_m2",
]

GEO = Path(sealane.reference.__file__).parent / "geo"
# Further than this from its own port a zone is taken to have its coordinates swapped if swapping brings it nearer.
FAR_FROM_PORT_NM = 500.0
MAX_FILE_BYTES = 256 * 1024 * 1024
_PROPERTIES = frozenset(
    ("id", "name", "kind", "port", "source", "grade", "eca", "nox_area", "learnt", "radius_m", "valid_from")
)


class _Reader:
    """Reads the features of one file, gathering faults."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self.where = file

    def fault(self, field: str, found: str, remedy: str) -> None:
        self.faults.append(Fault(f"{self.where}, {field}", found, remedy))

    def position(self, value: object, field: str) -> tuple[float, float] | None:
        if not (isinstance(value, list) and len(value) >= 2 and all(_is_number(x) for x in value[:2])):
            self.fault(field, f"{_short(value)}", "Give a position as [longitude, latitude] in degrees.")
            return None
        lon, lat = float(value[0]), float(value[1])
        if abs(lat) > 90.0 and abs(lon) <= 90.0:
            self.fault(field, f"latitude {lat:g}", "Latitude and longitude look swapped: give [longitude, latitude].")
            return None
        if abs(lat) > 90.0 or abs(lon) > 180.0:
            self.fault(
                field, f"[{lon:g}, {lat:g}]", "Give longitude -180 to 180 and latitude -90 to 90, in this order."
            )
            return None
        return lon, lat

    def ring(self, value: object, field: str) -> Ring | None:
        if not isinstance(value, list) or len(value) < 4:
            self.fault(field, f"{_short(value)}", "Give a ring of at least four positions, the first repeated last.")
            return None
        before = len(self.faults)
        corners = [self.position(corner, f"{field}[{n}]") for n, corner in enumerate(value)]
        if len(self.faults) > before:
            return None
        points = [corner for corner in corners if corner is not None]
        if points[0] != points[-1]:
            self.fault(field, f"the ring ends at {points[-1]} but begins at {points[0]}", "Repeat the first position.")
            return None
        if len(set(points)) < 3:
            self.fault(field, "fewer than three different corners", "Give a ring that encloses an area.")
            return None
        ring = unwrap(points)
        width = max(lon for lon, _ in ring) - min(lon for lon, _ in ring)
        if width > 360.0:
            self.fault(field, f"the ring runs {width:g} degrees round the globe", "Give at most one turn.")
            return None
        i, j = first_crossing(np.array([lon for lon, _ in ring]), np.array([lat for _, lat in ring]))
        if i >= 0:
            self.fault(
                field,
                f"the ring crosses itself: edge {i} from {ring[i]} and edge {j} from {ring[j]}",
                "Correct the order of the corners, or cut the polygon in two.",
            )
            return None
        return ring

    def polygon(self, value: object, field: str) -> Polygon | None:
        if not isinstance(value, list) or not value:
            self.fault(field, f"{_short(value)}", "Give a list of rings, the outer one first.")
            return None
        rings = [self.ring(ring, f"{field}[{n}]") for n, ring in enumerate(value)]
        good = tuple(ring for ring in rings if ring is not None)
        return good if len(good) == len(rings) else None

    def polygons(self, geometry: object, radius_m: object) -> tuple[Polygon, ...]:
        if not isinstance(geometry, dict) or "coordinates" not in geometry:
            self.fault("geometry", f"{_short(geometry)}", "Give a Polygon, a MultiPolygon, or a Point with radius_m.")
            return ()
        kind, value = geometry.get("type"), geometry["coordinates"]
        if radius_m is not None and kind != "Point":
            self.fault("properties.radius_m", f"{_short(radius_m)} on a {kind}", "A radius belongs to a Point only.")
        if kind == "Polygon":
            polygon = self.polygon(value, "geometry.coordinates")
            return () if polygon is None else (polygon,)
        if kind == "MultiPolygon" and isinstance(value, list) and value:
            parts = [self.polygon(part, f"geometry.coordinates[{n}]") for n, part in enumerate(value)]
            return tuple(part for part in parts if part is not None)
        if kind == "Point":
            centre = self.position(value, "geometry.coordinates")
            # The limit keeps a circle within a hemisphere; no zone of a port comes near it.
            if not _is_number(radius_m) or not 0.0 < float(radius_m) <= 1e7:  # type: ignore[arg-type]  # checked before
                self.fault(
                    "properties.radius_m", f"{_short(radius_m)}", "Give the radius of a Point in metres, above 0."
                )
            elif centre is not None:
                return (circle_polygon(*centre, float(radius_m)),)  # type: ignore[arg-type]  # checked above
            return ()
        self.fault("geometry.type", f"{_short(kind)}", "Give a Polygon, a MultiPolygon, or a Point with radius_m.")
        return ()

    def text(self, properties: dict[str, Any], key: str, *, needed: bool) -> str | None:
        value = properties.get(key)
        if value is None and not needed:
            return None
        if not isinstance(value, str) or not value.strip():
            self.fault(f"properties.{key}", f"{_short(value)}", f"Give {key} as a text that is not empty.")
            return None
        if any("\ud800" <= c <= "\udfff" for c in value):  # JSON can hold them, no file in UTF-8 can
            self.fault(f"properties.{key}", _short(value), "Leave out the half of a surrogate pair.")
            return None
        return value.strip()

    def flag(self, properties: dict[str, Any], key: str, default: bool) -> bool:
        value = properties.get(key, default)
        if not isinstance(value, bool):
            self.fault(f"properties.{key}", f"{_short(value)}", "Give true or false.")
            return default
        return value

    def zone(self, number: int, feature: object) -> Zone | None:
        self.where = f"{self.file} feature {number + 1}"
        before = len(self.faults)
        if not isinstance(feature, dict) or not isinstance(feature.get("properties"), dict):
            self.fault("properties", f"{_short(feature)}", "Give a GeoJSON Feature with properties.")
            return None
        properties = feature["properties"]
        if isinstance(properties.get("id"), str):
            self.where += f" (id {properties['id']})"
        for key in sorted(properties.keys() - _PROPERTIES):
            if not key.startswith("x_"):
                self.fault(
                    f"properties.{key}",
                    f"{_short(properties[key])}",
                    "Unknown property; begin notes of your own with x_.",
                )
        identity = self.text(properties, "id", needed=True)
        name = self.text(properties, "name", needed=True)
        source = self.text(properties, "source", needed=True)
        kind = properties.get("kind")
        if kind not in KINDS:
            self.fault("properties.kind", f"{_short(kind)}", f"Give one of {', '.join(KINDS)}.")
            kind = KINDS[0]
        locode = self.text(properties, "port", needed=False)
        if locode is not None and not (len(locode) == 5 and locode.isalnum() and locode.isupper()):
            self.fault("properties.port", f"'{locode}'", "Give a UN/LOCODE of five characters, e.g. USLAX.")
        grade = properties.get("grade", "D")
        if grade not in GRADES:
            self.fault("properties.grade", f"{_short(grade)}", f"Give one of {', '.join(GRADES)}.")
        valid_from = None
        if "valid_from" in properties:
            try:
                valid_from = dt.date.fromisoformat(properties["valid_from"])
            except (TypeError, ValueError):
                self.fault("properties.valid_from", f"{_short(properties['valid_from'])}", "Give a date, 2015-01-31.")
        eca = self.flag(properties, "eca", kind == "eca")
        learnt = self.flag(properties, "learnt", False)
        nox_area = self.text(properties, "nox_area", needed=False)
        radius_m = properties.get("radius_m")
        polygons = self.polygons(feature.get("geometry"), radius_m)
        if polygons and locode is not None and kind != "eca":
            self._check_place(polygons, locode)
        if len(self.faults) > before or identity is None or name is None or source is None:
            return None
        geometry = feature["geometry"]
        point = geometry["type"] == "Point"
        return Zone(
            id=identity,
            name=name,
            kind=kind,
            port=locode,
            polygons=polygons,
            source=source,
            grade=grade,
            eca=eca,
            nox_area=nox_area,
            learnt=learnt,
            centre=(float(geometry["coordinates"][0]), float(geometry["coordinates"][1])) if point else None,
            radius_m=float(radius_m) if point else None,
            valid_from=valid_from,
        )

    def _check_place(self, polygons: tuple[Polygon, ...], locode: str) -> None:
        """A zone half a world from its own port has its coordinates swapped, or the wrong port."""
        port = ports.find_port(locode)
        if port is None:
            return
        lon, lat = polygons[0][0][0]
        lon = normalise_lon(lon)
        away = great_circle_nm(lat, lon, port.lat, port.lon)
        if away <= FAR_FROM_PORT_NM:
            return
        if abs(lon) <= 90.0 and great_circle_nm(lon, lat, port.lat, port.lon) <= FAR_FROM_PORT_NM:
            remedy = "Latitude and longitude look swapped: give [longitude, latitude]."
        else:
            remedy = f"{locode} lies at {port.lat:g}, {port.lon:g}: correct the outline or the port."
        self.fault("geometry.coordinates", f"[{lon:g}, {lat:g}] is {away:.0f} nm from port {locode}", remedy)


def _is_number(value: object) -> bool:
    # No number of a zone comes near this bound; a whole number of hundreds of digits is no float at all.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e300


def _short(value: object) -> str:
    text = json.dumps(value) if value is not None else "nothing"
    return text if len(text) <= 60 else text[:57] + "..."


def read_zones(path: str | Path) -> ZoneSet:
    """Read zones from a GeoJSON file.

    Parameters
    ----------
    path : a FeatureCollection; the properties of its features are documented in docs/reference/zones.md.

    Raises
    ------
    FileFormatError : the file cannot be read, is no JSON or no FeatureCollection.
    DataError : features are wrong: ring not closed, crossing itself, coordinates out of range or swapped, unknown
        kind or property, id twice, source missing, ...; every fault of the file is listed.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise FileFormatError(
                f"{path}: {path.stat().st_size:,} bytes; a zone file may have {MAX_FILE_BYTES:,}. Cut it to your area."
            )
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as problem:
        raise FileFormatError(f"{path}: cannot be read ({problem.strerror}).") from problem
    except (ValueError, RecursionError) as problem:
        raise FileFormatError(f"{path}: expected GeoJSON in UTF-8, found something else ({problem}).") from problem
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        found = document.get("type") if isinstance(document, dict) else type(document).__name__
        raise FileFormatError(f"{path}: expected a GeoJSON FeatureCollection, found {found!r}.")
    features = document.get("features")
    if not isinstance(features, list):
        raise FileFormatError(f"{path}: the FeatureCollection has no list of features.")
    reader = _Reader(path.name)
    if "crs" in document and "CRS84" not in json.dumps(document["crs"]):
        reader.fault("crs", _short(document["crs"]), "Give longitude and latitude, WGS 84, and leave crs out.")
    zones: list[Zone] = []
    first: dict[str, int] = {}
    for number, feature in enumerate(features):
        zone = reader.zone(number, feature)
        properties = feature.get("properties") if isinstance(feature, dict) else None
        identity = properties.get("id") if isinstance(properties, dict) else None
        if isinstance(identity, str) and first.setdefault(identity, number) != number:
            reader.fault(
                "properties.id", f"'{identity}' stands in feature {first[identity] + 1} too", "Give another id."
            )
        if zone is not None:
            zones.append(zone)
    if reader.faults:
        raise DataError(f"The zones in {path.name} cannot be used.", reader.faults)
    return ZoneSet(tuple(zones))


def _feature(zone: Zone) -> dict[str, Any]:
    properties: dict[str, Any] = {"id": zone.id, "name": zone.name, "kind": zone.kind}
    for key, value, default in (
        ("port", zone.port, None),
        ("source", zone.source, None),
        ("grade", zone.grade, None),
        ("eca", zone.eca, zone.kind == "eca"),
        ("nox_area", zone.nox_area, None),
        ("learnt", zone.learnt, False),
        ("radius_m", zone.radius_m, None),
        ("valid_from", zone.valid_from.isoformat() if zone.valid_from else None, None),
    ):
        if value != default:
            properties[key] = value
    geometry: dict[str, Any]
    if zone.centre is not None:
        geometry = {"type": "Point", "coordinates": list(zone.centre)}
    else:
        parts = [[_written(ring) for ring in polygon] for polygon in zone.polygons]
        geometry = (
            {"type": "Polygon", "coordinates": parts[0]}
            if len(parts) == 1
            else {"type": "MultiPolygon", "coordinates": parts}
        )
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _written(ring: Ring) -> list[list[float]]:
    """Corners with longitudes in [-180, 180]; reading unwraps them again, and closes a ring round a pole again."""
    if all(-180.0 <= lon <= 180.0 for lon, _ in ring):
        return [list(corner) for corner in ring]
    corners = [[round(normalise_lon(lon), 9), lat] for lon, lat in ring if abs(lat) < 90.0]
    return [corner for n, corner in enumerate(corners) if n == 0 or corner != corners[n - 1]]


def write_zones(zoneset: ZoneSet, path: str | Path) -> None:
    """Write zones as GeoJSON that :func:`read_zones` reads back to the same zones.

    Parameters
    ----------
    zoneset : the zones, written in their order.
    path : the file; an existing one is replaced.
    """
    lines = ",\n".join(json.dumps(_feature(zone), ensure_ascii=False) for zone in zoneset)
    Path(path).write_text(f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n', encoding="utf-8")


@cache
def eca_zones() -> ZoneSet:
    """The shipped emission control areas; which, and what is missing, stands in docs/reference/zones.md."""
    return read_zones(GEO / "eca.geojson")


@cache
def shipped_zones(port: str) -> ZoneSet:
    """Zones of a port that come with the package, and the emission control areas.

    Parameters
    ----------
    port : UN/LOCODE.

    Returns
    -------
    The port's anchorages, berths and limit where an outline is published or was learnt; without a published limit a
    circle round the World Port Index point, grade D. All shipped emission control areas follow.

    Raises
    ------
    DataError : no port has this code.
    """
    known = ports.port(port)
    own = GEO / f"{known.locode.lower()}.geojson"
    zones = read_zones(own) if own.exists() else ZoneSet(())
    if not zones.of_kind("port_limit"):
        zones = zones.plus(ZoneSet((limit_circle(known),)))
    return zones.plus(eca_zones())


def limit_circle(port: ports.Port) -> Zone:
    """Circle that stands for a port's limit; grade D. US ports lie inside an ECA."""
    radius = ports.limit_radius(port.locode)
    radius_m = radius.radius_nm * NAUTICAL_MILE_M
    in_us = port.country == "United States"
    source = f"{radius.source}; centre: {port.source}"
    if in_us:
        source += "; eca: MARPOL Annex VI appendix VII, North American emission control area"
    return Zone(
        id=f"{port.locode}-limit",
        name=f"{port.name}: port limit (circle of {radius.radius_nm:g} nm)",
        kind="port_limit",
        port=port.locode,
        polygons=(circle_polygon(port.lon, port.lat, radius_m),),
        source=source,
        grade=radius.grade,
        eca=in_us,
        nox_area="north_american" if in_us else None,
        centre=(port.lon, port.lat),
        radius_m=radius_m,
    )
