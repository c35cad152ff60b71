"""What a route is: the way between two places over water, its legs and length, and how it is drawn."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sealane.movement.geodesy import great_circle_nm
from sealane.movement.routes.line import cut_at_antimeridian, densify

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Place:
    """An end of a route, or a place it runs through.

    Attributes
    ----------
    code : as asked for: UN/LOCODE, World Port Index number, name of a passage, or ``lat,lon``.
    name : as shown to people.
    lat, lon : degrees, WGS 84.
    """

    code: str
    name: str
    lat: float
    lon: float


@dataclass(frozen=True)
class Leg:
    """One part of a route between two waypoints' places.

    Attributes
    ----------
    kind : ``access`` (from the port's point to the water the network knows, or back; a straight line that may run over
        land, since the points of the World Port Index stand in the town) or ``sea``.
    start, end : place codes, or ``fairway`` where an access leg ends.
    distance_nm : length.
    lat, lon : waypoints, great circles between them.
    """

    kind: str
    start: str
    end: str
    distance_nm: float
    lat: Floats = field(repr=False)
    lon: Floats = field(repr=False)


@dataclass(frozen=True)
class Route:
    """Shortest way over water.

    Attributes
    ----------
    origin, destination : the ends.
    via : places it had to run through, in order.
    distance_nm : length of all legs.
    hours : time under way at `speed_kn`, None where no speed was given.
    speed_kn : speed asked for.
    legs : parts in order.
    lat, lon : waypoints of the whole route, degrees; great circles between them.
    zone_nm : miles inside each emission control area and speed zone, by zone id; only zones that are touched.
    passages : named passages it runs through, in order.
    great_circle_nm : shortest line on the sphere between the ends, through the `via` places, land or not.
    polar_nm : miles in Arctic or Antarctic waters as SOLAS chapter XIV draws them.
    """

    origin: Place
    destination: Place
    via: tuple[Place, ...]
    distance_nm: float
    hours: float | None
    speed_kn: float | None
    legs: tuple[Leg, ...]
    lat: Floats = field(repr=False)
    lon: Floats = field(repr=False)
    zone_nm: Mapping[str, float]
    passages: tuple[str, ...] = ()
    great_circle_nm: float = 0.0
    polar_nm: float = 0.0

    @property
    def access_nm(self) -> float:
        """Miles of the access legs, nm."""
        return float(sum(leg.distance_nm for leg in self.legs if leg.kind == "access"))

    def cumulative_nm(self) -> Floats:
        """Distance from the origin at each waypoint, nm."""
        steps = [
            great_circle_nm(self.lat[i], self.lon[i], self.lat[i + 1], self.lon[i + 1])
            for i in range(len(self.lat) - 1)
        ]
        return np.concatenate([[0.0], np.cumsum(steps)])

    def points(self, step_nm: float) -> tuple[Floats, Floats, Floats]:
        """Points along the route, waypoints included.

        Parameters
        ----------
        step_nm : largest distance between neighbours.

        Returns
        -------
        lat, lon in degrees (longitude in [-180, 180)) and distance from the origin in nm.
        """
        return densify(self.lat, self.lon, step_nm)

    def properties(self) -> dict[str, Any]:
        """Figures of the route, as ``--json`` prints them."""
        return {
            "origin": self.origin.code,
            "origin_name": self.origin.name,
            "destination": self.destination.code,
            "destination_name": self.destination.name,
            "via": [place.code for place in self.via],
            "distance_nm": self.distance_nm,
            "speed_kn": self.speed_kn,
            "hours": self.hours,
            "zone_nm": dict(self.zone_nm),
            "great_circle_nm": self.great_circle_nm,
            "access_nm": self.access_nm,
            "polar_nm": self.polar_nm,
            "passages": list(self.passages),
            "legs": [
                {"kind": leg.kind, "from": leg.start, "to": leg.end, "distance_nm": leg.distance_nm}
                for leg in self.legs
            ],
        }

    def geojson(self, step_nm: float = 60.0) -> dict[str, Any]:
        """The route as a GeoJSON Feature (RFC 7946).

        Parameters
        ----------
        step_nm : points are put in so that no two neighbours are further apart; straight lines between them then
            show the great circle.

        Returns
        -------
        A Feature with a LineString, or where the route crosses the antimeridian a MultiLineString cut there
        (RFC 7946, section 3.1.9).
        """
        lat, lon, _ = self.points(step_nm)
        parts = cut_at_antimeridian(lat, lon)
        lines = [[[round(x, 6), round(y, 6)] for x, y in part] for part in parts]
        geometry: dict[str, Any] = (
            {"type": "LineString", "coordinates": lines[0]}
            if len(lines) == 1
            else {"type": "MultiLineString", "coordinates": lines}
        )
        return {"type": "Feature", "properties": self.properties(), "geometry": geometry}

    def geojson_text(self, step_nm: float = 60.0) -> str:
        """:meth:`geojson` as a FeatureCollection in text."""
        return json.dumps({"type": "FeatureCollection", "features": [self.geojson(step_nm)]}, ensure_ascii=False) + "\n"
