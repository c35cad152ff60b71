"""Mapbox Vector Tiles 2.1, written. Features are encoded in one compiled pass; layers are put together in Python.

The format: a tile is a list of layers; a layer has a name, keys, values and features; a feature has an id, pairs of key
and value by number, a kind, and its geometry as commands with zigzag differences. Source: the specification "Mapbox
Vector Tile Specification 2.1" (CC BY 3.0), sections 4.1 to 4.4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sealane.movement.compiled import njit
from sealane.web.tiles.mercator import EXTENT

POINT, LINE, POLYGON = 1, 2, 3
MOVE_TO, LINE_TO, CLOSE_PATH = 1, 2, 7
_VARINT_BYTES = 10

Bytes = NDArray[np.uint8]
Commands = NDArray[np.uint32]
Value = str | bool | int | float


@njit(nogil=True, cache=True)
def _varint(out: Bytes, place: int, value: int) -> int:
    while value > 127:
        out[place] = (value & 127) | 128
        place += 1
        value >>= 7
    out[place] = value
    return place + 1


@njit(nogil=True, cache=True)
def _varint_bytes(value: int) -> int:
    count = 1
    while value > 127:
        count += 1
        value >>= 7
    return count


@njit(nogil=True, cache=True)
def encode_features(
    ids: NDArray[np.int64],
    kind: int,
    tags: NDArray[np.int32],
    commands: Commands,
    bounds: NDArray[np.int64],
    out: Bytes,
) -> int:
    """Write features as they stand in a layer message; return the bytes written.

    Parameters
    ----------
    ids : shape ``(n,)``, negative for none.
    kind : `POINT`, `LINE` or `POLYGON`.
    tags : shape ``(n, 2 k)``, numbers of key and value in turn; a negative value leaves the pair out.
    commands : geometry of all features, one after the other.
    bounds : shape ``(n + 1,)``, where each feature's commands begin.
    out : long enough, see `room_for`.
    """
    place = 0
    for i in range(len(ids)):
        geometry = 0
        for k in range(bounds[i], bounds[i + 1]):
            geometry += _varint_bytes(commands[k])
        pairs = 0
        for k in range(0, tags.shape[1], 2):
            if tags[i, k + 1] >= 0:
                pairs += _varint_bytes(tags[i, k]) + _varint_bytes(tags[i, k + 1])
        size = 2 + 1 + _varint_bytes(geometry) + geometry
        if pairs:
            size += 1 + _varint_bytes(pairs) + pairs
        if ids[i] >= 0:
            size += 1 + _varint_bytes(ids[i])
        out[place] = 0x12  # layer: features
        place = _varint(out, place + 1, size)
        if ids[i] >= 0:
            out[place] = 0x08  # feature: id
            place = _varint(out, place + 1, ids[i])
        if pairs:
            out[place] = 0x12  # feature: tags
            place = _varint(out, place + 1, pairs)
            for k in range(0, tags.shape[1], 2):
                if tags[i, k + 1] >= 0:
                    place = _varint(out, place, tags[i, k])
                    place = _varint(out, place, tags[i, k + 1])
        out[place] = 0x18  # feature: kind
        out[place + 1] = kind
        out[place + 2] = 0x22  # feature: geometry
        place = _varint(out, place + 3, geometry)
        for k in range(bounds[i], bounds[i + 1]):
            place = _varint(out, place, commands[k])
    return place


def room_for(features: int, pairs: int, commands: int) -> int:
    """Bytes that surely hold so many features."""
    return features * (40 + pairs * 2 * 5) + commands * 5 + 64


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _plain_varint(len(content)) + content


def _plain_varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_value(value: Value) -> bytes:
    """A value of a layer's table, with its field header."""
    if isinstance(value, bool):
        content = b"\x38" + (b"\x01" if value else b"\x00")
    elif isinstance(value, str):
        content = _field(1, value.encode())
    elif isinstance(value, int):
        content = b"\x28" + _plain_varint(value) if value >= 0 else b"\x30" + _plain_varint(-value * 2 - 1)
    else:
        content = b"\x19" + struct.pack("<d", value)
    return _field(4, content)


@dataclass(frozen=True)
class Layer:
    """One layer of a tile.

    Attributes
    ----------
    keys : names of properties, in the order that tags number them.
    values : encoded by `encode_value`, in the order that tags number them.
    """

    name: str
    kind: int
    ids: NDArray[np.int64]
    tags: NDArray[np.int32]
    commands: Commands
    bounds: NDArray[np.int64]
    keys: Sequence[str]
    values: Sequence[bytes]

    def encode(self) -> bytes:
        """The layer as it stands in a tile; empty without features."""
        if not len(self.ids):
            return b""
        out = np.empty(room_for(len(self.ids), self.tags.shape[1] // 2, int(self.bounds[-1])), np.uint8)
        size = encode_features(self.ids, self.kind, self.tags, self.commands, self.bounds, out)
        parts = [b"\x78\x02", _field(1, self.name.encode()), out[:size].tobytes()]
        parts += [_field(3, key.encode()) for key in self.keys]
        parts += self.values
        parts.append(b"\x28" + _plain_varint(EXTENT))
        return _field(3, b"".join(parts))


def with_properties(
    name: str,
    kind: int,
    geometries: Sequence[Commands],
    rows: Iterable[Mapping[str, Value | None]],
    ids: Sequence[int] = (),
) -> Layer:
    """A layer of features with properties of any kind; each value stands once in its table, None is left out."""
    keys: dict[str, int] = {}
    values: dict[tuple[type, Value], int] = {}
    numbered = [
        [
            (keys.setdefault(key, len(keys)), values.setdefault((type(value), value), len(values)))
            for key, value in row.items()
            if value is not None
        ]
        for row in rows
    ]
    width = max((len(row) for row in numbered), default=0)
    tags = np.full((len(numbered), 2 * width), -1, np.int32)
    for i, row in enumerate(numbered):
        for k, (key, value) in enumerate(row):
            tags[i, 2 * k], tags[i, 2 * k + 1] = key, value
    bounds = np.zeros(len(geometries) + 1, np.int64)
    np.cumsum([len(g) for g in geometries], out=bounds[1:])
    commands = np.concatenate(geometries).astype(np.uint32) if geometries else np.empty(0, np.uint32)
    numbers = np.asarray(ids, np.int64) if ids else np.full(len(geometries), -1, np.int64)
    return Layer(name, kind, numbers, tags, commands, bounds, tuple(keys), [encode_value(v) for _, v in values])


def zigzag(value: NDArray[np.int64]) -> Commands:
    """Signed numbers as unsigned ones, small for small."""
    return ((value << 1) ^ (value >> 63)).astype(np.uint32)


def command(kind: int, count: int) -> int:
    """A command's number: what to do, how often."""
    return kind & 7 | count << 3


def point(x: int, y: int) -> Commands:
    """Geometry of one point in tile units."""
    return np.concatenate([np.array([command(MOVE_TO, 1)], np.uint32), zigzag(np.array([x, y], np.int64))])


def rings(parts: Iterable[NDArray[np.int64]]) -> Commands:
    """Geometry of rings of polygons in tile units, shape ``(n, 2)`` each, not closed.

    Outer rings run clockwise on the screen, holes the other way (section 4.3.3.3); rings without area are left out.
    """
    out = []
    cursor = np.zeros(2, np.int64)
    for ring in parts:
        corners = ring[np.any(np.diff(ring, axis=0, prepend=ring[-1:]) != 0, axis=1)]
        if len(corners) < 3:
            continue
        steps = np.diff(corners, axis=0, prepend=cursor[None])
        numbers = zigzag(steps).ravel()
        out.append(np.array([command(MOVE_TO, 1)], np.uint32))
        out.append(numbers[:2])
        out.append(np.array([command(LINE_TO, len(corners) - 1)], np.uint32))
        out.append(numbers[2:])
        out.append(np.array([command(CLOSE_PATH, 1)], np.uint32))
        cursor = corners[-1]
    return np.concatenate(out) if out else np.empty(0, np.uint32)
