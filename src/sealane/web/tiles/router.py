"""Endpoints of the map: what it shows, as JSON and as a table in words, and the tiles it draws."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import numpy as np
from fastapi import Path, Query, Request, Response
from pydantic import AwareDatetime

import sealane
from sealane.errors import Phrase, RequestRefusedError
from sealane.node.context import Node
from sealane.web.accounts.gate import Viewed, Viewer, reading
from sealane.web.derivation import Derivation
from sealane.web.results import Result, ResultKind, result_of, results
from sealane.web.rooms import Room
from sealane.web.tiles import kept
from sealane.web.tiles.areas import areas_tile, places_tile
from sealane.web.tiles.explain import cell_derivation
from sealane.web.tiles.heat import heat_tile
from sealane.web.tiles.land import land
from sealane.web.tiles.layer import HEADING_UNKNOWN_DEG
from sealane.web.tiles.mercator import MAX_ZOOM, Tile
from sealane.web.tiles.models import MapView, Ship, Ships
from sealane.web.tiles.tracks import MAX_SHIPS, ships_at, ships_tile, tracks_tile
from sealane.web.tiles.view import overview_map, result_map
from sealane.web.times import Day

MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
LONGEST = dt.timedelta(days=400)
_LEAST_GZIPPED = 1000
_FRESH_S = 3600  # a result never changes; who may see it can
_EARLIEST, _LATEST = (dt.datetime(year, 1, 1, tzinfo=dt.UTC) for year in (1990, 2100))

ResultId = Annotated[str, Path(max_length=36, pattern=r"^[0-9a-f-]+$")]
Zoom = Annotated[int, Path(ge=0, le=MAX_ZOOM)]
Number = Annotated[int, Path(ge=0, lt=1 << MAX_ZOOM)]
Moment = Annotated[AwareDatetime | None, Query(description="UTC")]
From = Annotated[AwareDatetime | None, Query(alias="from", description="UTC, included")]
To = Annotated[AwareDatetime | None, Query(description="UTC, not included")]
Pollutant = Annotated[str, Query(max_length=10, pattern=r"^[a-z0-9]+$")]
Latitude = Annotated[float, Query(ge=-90, le=90)]
Longitude = Annotated[float, Query(ge=-540, le=540)]
Size = Annotated[int, Query(ge=1, le=1000)]
Text = Annotated[str | None, Query(max_length=200)]


class TileLayer(StrEnum):
    """Layers of a result."""

    TRACKS = "tracks"
    SHIPS = "ships"
    CALLS = "calls"
    ZONES = "zones"
    HEAT = "heat"


def room(node: Node) -> Room:
    """Return the map's endpoints."""
    room = Room("map", node)

    @room.view("/overview/map", "map/table.html.j2")
    def overview(viewer: Viewed, day: Day | None = None, partner: Text = None, corridor: Text = None) -> MapView:
        """Agreements, lanes, and the ships and stays of a day on the map of the first page."""
        with reading(node, viewer) as connection:
            found = results(connection, node, only_public=viewer.is_guest)
            return overview_map(
                node, connection, found, day=day, partner=partner, corridor=corridor, signed=not viewer.is_guest
            )

    @room.view("/results/{result_id}/map", "map/table.html.j2")
    def of_result(viewer: Viewed, result_id: ResultId, day: Day | None = None) -> MapView:
        """Zones, ships, stays and emissions of one inventory on the map."""
        return result_map(node, _inventory(node, viewer, result_id), day)

    @room.stream("/results/{result_id}/tiles/{layer}/{z}/{x}/{y}.mvt", MEDIA_TYPE)
    def tile(
        request: Request, viewer: Viewed, result_id: ResultId, layer: TileLayer, z: Zoom, x: Number, y: Number,
        from_: From = None, to: To = None, at: Moment = None, pollutant: Pollutant = "nox",
    ) -> Response:  # fmt: skip
        """A vector tile of a result: tracks, ships, calls, zones, or the heat map of a pollutant."""
        result = _inventory(node, viewer, result_id)
        place = _tile(z, x, y)
        asked = (layer, z, x, y, from_, to, at, pollutant)
        return _answer(request, (result.digest, *asked), lambda: _draw(node, result, layer, place, *asked[4:]))

    @room.stream("/map/land/{z}/{x}/{y}.mvt", MEDIA_TYPE)
    def land_tile(request: Request, z: Zoom, x: Number, y: Number) -> Response:
        """A vector tile of the world's land (Natural Earth); public domain."""
        return _answer(request, ("land", z, x, y), lambda: (land().tile(_tile(z, x, y)), {}), is_gzipped=True)

    @room.stream("/map/zones/{z}/{x}/{y}.mvt", MEDIA_TYPE)
    def zone_tile(request: Request, z: Zoom, x: Number, y: Number) -> Response:
        """A vector tile of emission control areas and speed zones."""
        place = _tile(z, x, y)
        return _answer(request, ("zones", z, x, y), lambda: (areas_tile(kept.areas_of_reference(), place), {}))

    @room.view("/results/{result_id}/ships", "map/ships.html.j2")
    def ships(viewer: Viewed, result_id: ResultId, at: AwareDatetime) -> Ships:
        """Where the ships of a result were at a moment: each one's last report before it."""
        result = _inventory(node, viewer, result_id)
        return _ships(node, result, _sensible(at))

    @room.view("/explain/heat/{result_id}", "explain/derivation.html.j2")
    def explain_cell(
        viewer: Viewed, result_id: ResultId, pollutant: Pollutant, lat: Latitude, lon: Longitude, size: Size = 1
    ) -> Derivation:
        """Where the mass of a cell of the heat map comes from."""
        return cell_derivation(_inventory(node, viewer, result_id), pollutant, lat, lon, size)

    return room


def _inventory(node: Node, viewer: Viewer, result_id: str) -> Result:
    with reading(node, viewer) as connection:
        return result_of(connection, node, result_id, (ResultKind.INVENTORY,), only_public=viewer.is_guest)


def _tile(z: int, x: int, y: int) -> Tile:
    try:
        return Tile(z, x, y)
    except ValueError:
        remedy = Phrase("Columns and rows of zoom z go from 0 to 2^z - 1.")
        raise RequestRefusedError(
            404, "no-such-tile", Phrase("%(z)s/%(x)s/%(y)s is no tile.", z=z, x=x, y=y), remedy
        ) from None


def _sensible(moment: dt.datetime) -> dt.datetime:
    if not _EARLIEST <= moment < _LATEST:
        remedy = Phrase("Give a time from 1990 to 2099.")
        raise RequestRefusedError(422, "no-such-time", Phrase("No ship reported at that time."), remedy)
    return moment


def _draw(
    node: Node,
    result: Result,
    layer: TileLayer,
    place: Tile,
    begin: dt.datetime | None,
    end: dt.datetime | None,
    at: dt.datetime | None,
    pollutant: str,
) -> tuple[bytes, dict[str, str]]:
    """A tile, and headers that say what it leaves out."""
    if layer is TileLayer.ZONES:
        return areas_tile(kept.areas_of_result(result.folder), place), {}
    if layer is TileLayer.HEAT:
        known = kept.pollutants_of(result.folder)
        if pollutant not in known:
            remedy = Phrase(
                "Ask for one of: %(value)s.", value=", ".join(known) or "none, the run stopped at port calls"
            )
            raise RequestRefusedError(
                404, "no-such-pollutant", Phrase("The result has no map of this pollutant."), remedy
            )
        return heat_tile(kept.grid_of(result.folder, pollutant), place), {}
    names = kept.ship_names(result.folder)
    if layer is TileLayer.SHIPS:
        track_layer = kept.track_layer(node, result)
        moment = round(_sensible(at).timestamp()) if at else track_layer.last_s
        drawn = ships_tile(track_layer, place, moment, names)
        return drawn.content, {"Sealane-Shown": f"{drawn.shown}/{drawn.present}"}
    first, last = _period(result, begin, end)
    if layer is TileLayer.CALLS:
        return places_tile("calls", kept.calls_between(result.folder, first, last), place), {}
    track_layer = kept.track_layer(node, result)
    drawn = tracks_tile(track_layer, place, round(first.timestamp()), round(last.timestamp()), names)
    return drawn.content, {"Sealane-Shown": f"{drawn.shown}/{drawn.present}"}


def _period(result: Result, begin: dt.datetime | None, end: dt.datetime | None) -> tuple[dt.datetime, dt.datetime]:
    """The period asked for, open ends taken from the result; the last report itself belongs to it."""
    first = _sensible(begin or result.begins_at or _EARLIEST)
    last = _sensible(end or (result.ends_at or _LATEST - LONGEST) + dt.timedelta(seconds=1))
    if first >= last:
        remedy = Phrase("The period is half-open: from < to.")
        raise RequestRefusedError(422, "empty-period", Phrase("The period ends before it begins."), remedy)
    return first, last


def _ships(node: Node, result: Result, at: dt.datetime) -> Ships:
    moment = round(at.timestamp())
    names = kept.ship_names(result.folder)
    found = ships_at(kept.track_layer(node, result), moment)
    present = len(found.mmsi)
    shown = found.where(np.arange(present) < MAX_SHIPS)
    rows = zip(
        shown.mmsi.tolist(), shown.positions(), shown.time_s.tolist(), shown.speed_dkn.tolist(),
        shown.heading_deg.tolist(), shown.silent.tolist(), strict=True,
    )  # fmt: skip
    return Ships(
        result=result.id,
        at=at.astimezone(dt.UTC),
        simulated=result.simulated,
        present=present,
        ships=[
            Ship(
                mmsi=mmsi,
                name=names.get(mmsi, ("", ""))[0] or None,
                ship_class=names.get(mmsi, ("", ""))[1] or None,
                lon=round(lon, 5),
                lat=round(lat, 5),
                speed_kn=speed / 10 if speed >= 0 else None,
                heading_deg=heading if heading != HEADING_UNKNOWN_DEG else None,
                reported_at=dt.datetime.fromtimestamp(time_s, dt.UTC),
                age_s=moment - time_s,
                silent=silent,
            )
            for mmsi, (lat, lon), time_s, speed, heading, silent in rows
        ],
    )


def _answer(
    request: Request, facts: tuple[object, ...], draw: Callable[[], tuple[bytes, dict[str, str]]], *,
    is_gzipped: bool = False,
) -> Response:  # fmt: skip
    """Answer with a tile; what it depends on makes the ETag, so that a known one need not be drawn."""
    told = "\0".join(str(fact) for fact in (sealane.__version__, *facts))
    tag = f'"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'
    headers = {
        "ETag": tag,
        "Cache-Control": f"private, max-age={_FRESH_S}",
        "Vary": "Accept-Encoding, Authorization, Cookie",
    }
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    content, more = draw()
    if not content:
        return Response(status_code=204, headers=headers | more)
    accepts = "gzip" in request.headers.get("accept-encoding", "")
    if is_gzipped and not accepts:
        content = gzip.decompress(content)
    elif not is_gzipped and accepts and len(content) > _LEAST_GZIPPED:
        content, is_gzipped = gzip.compress(content, 3, mtime=0), True
    if is_gzipped and accepts:
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type=MEDIA_TYPE, headers=headers | more)
