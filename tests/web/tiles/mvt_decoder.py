"""A decoder of vector tiles, written from the specification, not from the encoder that the tests hold against it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Feature:
    """A feature; `parts` are points, lines or rings in tile units."""

    id: int | None
    kind: int
    properties: dict[str, Any]
    parts: list[list[tuple[int, int]]]


def varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    place = 0
    while place < len(data):
        key, place = varint(data, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = varint(data, place)
            yield number, value
        elif kind == 1:
            yield number, struct.unpack("<d", data[place : place + 8])[0]
            place += 8
        elif kind == 2:
            size, place = varint(data, place)
            assert place + size <= len(data), "a field runs over the end"
            yield number, data[place : place + size]
            place += size
        else:
            raise AssertionError(f"wire type {kind}")


def packed(data: bytes) -> list[int]:
    place, found = 0, []
    while place < len(data):
        value, place = varint(data, place)
        found.append(value)
    return found


def signed(value: int) -> int:
    return (value >> 1) ^ -(value & 1)


def value_of(data: bytes) -> Any:
    ((number, value),) = list(fields(data))
    if number == 1:
        return value.decode()
    if number == 6:
        return signed(value)
    return bool(value) if number == 7 else value


def geometry(numbers: list[int]) -> list[list[tuple[int, int]]]:
    parts: list[list[tuple[int, int]]] = []
    x = y = place = 0
    while place < len(numbers):
        command, count = numbers[place] & 7, numbers[place] >> 3
        place += 1
        if command == 7:
            assert count == 1
            parts[-1].append(parts[-1][0])
            continue
        assert command in (1, 2), command
        assert count > 0
        for _ in range(count):
            x, y = x + signed(numbers[place]), y + signed(numbers[place + 1])
            place += 2
            if command == 1:
                parts.append([(x, y)])
            else:
                parts[-1].append((x, y))
    return parts


def decode(tile: bytes) -> dict[str, list[Feature]]:
    """Features of every layer by its name."""
    found: dict[str, list[Feature]] = {}
    for number, layer in fields(tile):
        assert number == 3
        parts = list(fields(layer))
        one = dict(parts)
        assert one[15] == 2, "version"
        assert one[5] == 4096, "extent"
        keys = [value.decode() for n, value in parts if n == 3]
        values = [value_of(value) for n, value in parts if n == 4]
        name = one[1].decode()
        assert name not in found
        found[name] = []
        for n, raw in parts:
            if n != 2:
                continue
            inner = dict(fields(raw))
            tags = packed(inner.get(2, b""))
            properties = {keys[k]: values[v] for k, v in zip(tags[::2], tags[1::2], strict=True)}
            assert len(properties) == len(tags) // 2, "a key twice"
            found[name].append(Feature(inner.get(1), inner[3], properties, geometry(packed(inner[4]))))
    return found
