"""Tiles of tracks and of ships from a track layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sealane.web.tiles import mvt
from sealane.web.tiles.layer import BLOCK, HEADING_UNKNOWN_DEG, TrackLayer
from sealane.web.tiles.lines import draw, find, latest
from sealane.web.tiles.mercator import EXTENT, WORLD, Tile, degrees
from sealane.web.tiles.thinning import COUNT, SHIP, SILENT, START

MAX_VERTICES = 60_000  # about 150 kB of tile
MAX_SHIPS = 4_000  # features of one tile
COARSER = 2  # levels that may be gone down before ships are left out
DAY_S = 86_400
_HASH = np.uint32(2_654_435_769)

Names = Mapping[int, tuple[str, str]]
"""Name and class of a ship by MMSI."""


@dataclass(frozen=True)
class Drawn:
    """A tile, and how much of what is there it shows.

    Attributes
    ----------
    content : the tile's bytes; empty where nothing is.
    shown, present : ships drawn, and ships that lie in tile and period.
    """

    content: bytes
    shown: int
    present: int


def tracks_tile(layer: TrackLayer, tile: Tile, from_s: int, to_s: int, names: Names) -> Drawn:
    """Tracks of a half-open period in a tile, one feature a ship, silences as features of their own.

    A tile holds at most about `MAX_VERTICES` corners: where there are more, a coarser level is drawn; where that is
    too much still, some ships are left out, the same ones in every tile, and the layer ``about`` says how many.
    """
    window = np.array(tile.window(), np.int64)
    fine = layer.level_for(tile.z)
    for number in range(fine, max(fine - COARSER, 0) - 1, -1):
        level = layer.levels[number]
        rows, turns = find(level.index, level.blocks, BLOCK, window, from_s, to_s)
        chunks = level.index[rows]
        if int(chunks[:, COUNT].sum()) <= MAX_VERTICES:
            break
    if not len(chunks):
        return Drawn(b"", 0, 0)
    present = np.unique(chunks[:, SHIP])
    chosen = _chosen(layer.mmsi[present], int(chunks[:, COUNT].sum()))
    if not chosen.all():
        inside = np.isin(chunks[:, SHIP], present[chosen])
        chunks, turns = chunks[inside], turns[inside]
    order = np.lexsort((chunks[:, START], turns, chunks[:, SHIP], chunks[:, SILENT]))
    chunks, turns = chunks[order], turns[order]
    head = chunks[:, SILENT] * len(layer.mmsi) + chunks[:, SHIP]
    feature = np.cumsum(np.diff(head, prepend=head[:1] - 1) != 0) - 1
    first = np.flatnonzero(np.diff(feature, prepend=-1))
    commands, bounds = draw(
        chunks,
        turns,
        feature,
        level.x,
        level.y,
        level.t,
        window,
        np.array(tile.origin, np.int64),
        tile.shift,
        from_s,
        to_s,
    )
    drawn = np.flatnonzero(np.diff(bounds))
    ship, silent = chunks[first[drawn], SHIP], chunks[first[drawn], SILENT]
    # Features that drew nothing have no commands between their bounds: the others stay neighbours.
    edges = np.append(bounds[drawn], bounds[-1])
    shown = int(chosen.sum())
    content = _layer(layer, "tracks", mvt.LINE, ship, commands, edges, names, {"silent": silent.astype(bool)}).encode()
    if shown < len(present):
        content += _about(shown, len(present))
    return Drawn(content, shown, len(present))


def _chosen(mmsi: NDArray[np.int32], vertices: int) -> NDArray[np.bool_]:
    """Which ships a crowded tile keeps: told by the MMSI alone, so that a ship goes on from tile to tile."""
    share = min(1.0, MAX_VERTICES / max(vertices, 1), MAX_SHIPS / max(len(mmsi), 1))
    return _kept_by_number(mmsi, share) if share < 1.0 else np.ones(len(mmsi), np.bool_)


def _kept_by_number(mmsi: NDArray[np.int32], share: float) -> NDArray[np.bool_]:
    return (mmsi.astype(np.uint32) * _HASH) < np.uint32(share * 0xFFFFFFFF)


def _about(shown: int, present: int) -> bytes:
    """A layer that says that a tile does not show everything."""
    middle = mvt.point(EXTENT // 2, EXTENT // 2)
    return mvt.with_properties("about", mvt.POINT, [middle], [{"shown": shown, "present": present}]).encode()


def _layer(
    layer: TrackLayer,
    name: str,
    kind: int,
    ship: NDArray[np.int64],
    commands: mvt.Commands,
    bounds: NDArray[np.int64],
    names: Names,
    flags: Mapping[str, NDArray[np.bool_]],
) -> mvt.Layer:
    """Features of ships: number, name and class of each stand in the layer's tables once."""
    ships, place = np.unique(ship, return_inverse=True)
    values: list[bytes] = [mvt.encode_value(False), mvt.encode_value(True)]
    texts: dict[str, int] = {}

    def number_of(text: str) -> int:
        if not text:
            return -1
        if text not in texts:
            texts[text] = len(values)
            values.append(mvt.encode_value(text))
        return texts[text]

    own = np.full((len(ships), 3), -1, np.int32)
    for i, mmsi in enumerate(layer.mmsi[ships].tolist()):
        called, ship_class = names.get(mmsi, ("", ""))
        own[i, 0] = len(values)
        values.append(mvt.encode_value(mmsi))
        own[i, 1:] = number_of(called), number_of(ship_class)
    keys = ["mmsi", "name", "class", *flags]
    tags = np.empty((len(ship), 2 * len(keys)), np.int32)
    tags[:, ::2] = np.arange(len(keys))
    tags[:, 1:6:2] = own[place]
    for k, flag in enumerate(flags.values()):
        tags[:, 7 + 2 * k] = flag
    return mvt.Layer(name, kind, layer.mmsi[ship].astype(np.int64), tags, commands, bounds, keys, values)


@dataclass(frozen=True)
class ShipsAt:
    """Ships at a moment, shape ``(n,)`` each.

    Attributes
    ----------
    mmsi : who.
    x, y : world units, x inside the world.
    time_s : of the last report at or before the moment.
    speed_dkn, heading_deg : as reported; -1 and 511 unknown.
    silent : the report is older than the gap limit, and others follow: where the ship is meanwhile nobody saw.
    """

    mmsi: NDArray[np.int32]
    x: NDArray[np.int64]
    y: NDArray[np.int64]
    time_s: NDArray[np.int64]
    speed_dkn: NDArray[np.int16]
    heading_deg: NDArray[np.int16]
    silent: NDArray[np.bool_]

    def positions(self) -> list[tuple[float, float]]:
        """Latitude and longitude of each [deg]."""
        return [degrees(x, y) for x, y in zip(self.x.tolist(), self.y.tolist(), strict=True)]

    def where(self, chosen: NDArray[np.bool_]) -> ShipsAt:
        """Some of them."""
        return ShipsAt(**{name: getattr(self, name)[chosen] for name in self.__dataclass_fields__})


def ships_at(layer: TrackLayer, at_s: int) -> ShipsAt:
    """Every ship at its last report at or before a moment.

    A ship whose last report of all is older than the gap limit is gone: it is not shown any more.
    """
    full = layer.levels[-1]
    place = latest(layer.offsets, full.t, at_s)
    seen = place >= 0
    # A gap of a ship that is heard again later is a silence; after its last report the ship is gone.
    is_last = place == layer.offsets[1:] - 1
    age = np.full(len(place), -1, np.int64)
    age[seen] = at_s - full.t[place[seen]].astype(np.int64)
    old = age > layer.gap_s
    keep = seen & ~(old & is_last)
    rows = place[keep]
    return ShipsAt(
        layer.mmsi[keep],
        full.x[rows].astype(np.int64) % WORLD,
        full.y[rows].astype(np.int64),
        full.t[rows].astype(np.int64),
        layer.speed_dkn[rows],
        layer.heading_deg[rows],
        old[keep],
    )


def ships_tile(layer: TrackLayer, tile: Tile, at_s: int, names: Names) -> Drawn:
    """Ships at a moment as points of a tile, at most `MAX_SHIPS` of them."""
    ships = ships_at(layer, at_s)
    west, north, east, south = tile.window()
    turn = np.where(ships.x < west, WORLD, np.where(ships.x > east, -WORLD, 0))
    x = ships.x + turn
    inside = (x >= west) & (x <= east) & (ships.y >= north) & (ships.y <= south)
    present = int(inside.sum())
    if present > MAX_SHIPS:
        inside &= _kept_by_number(ships.mmsi, MAX_SHIPS / present)
    chosen = ships.where(inside)
    count = len(chosen.mmsi)
    if not count:
        return Drawn(b"", 0, present)
    commands = np.empty((count, 3), np.uint32)
    commands[:, 0] = mvt.command(mvt.MOVE_TO, 1)
    commands[:, 1] = mvt.zigzag((x[inside] - tile.origin[0]) >> tile.shift)
    commands[:, 2] = mvt.zigzag((chosen.y - tile.origin[1]) >> tile.shift)
    ship = np.searchsorted(layer.mmsi, chosen.mmsi)
    flags = {"silent": chosen.silent}
    made = _layer(layer, "ships", mvt.POINT, ship, commands.ravel(), np.arange(count + 1) * 3, names, flags)
    numbers = [int(v) for v in np.unique(np.concatenate([chosen.heading_deg, chosen.speed_dkn]))]
    place = {v: len(made.values) + k for k, v in enumerate(numbers)}
    known_h, known_s = chosen.heading_deg != HEADING_UNKNOWN_DEG, chosen.speed_dkn >= 0
    more = np.empty((count, 4), np.int32)
    more[:, 0], more[:, 2] = len(made.keys), len(made.keys) + 1
    more[:, 1] = np.where(known_h, [place[int(v)] for v in chosen.heading_deg], -1)
    more[:, 3] = np.where(known_s, [place[int(v)] for v in chosen.speed_dkn], -1)
    whole = mvt.Layer(
        made.name, made.kind, made.ids, np.hstack([made.tags, more]), made.commands, made.bounds,
        [*made.keys, "heading_deg", "speed_dkn"], [*made.values, *map(mvt.encode_value, numbers)],
    )  # fmt: skip
    content = whole.encode()
    if count < present:
        content += _about(count, present)
    return Drawn(content, count, present)
