"""Geometry of the heat map: NOx by cell of 0.01 degrees over coast and zones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sealane.movement.geodesy import normalise_lon
from sealane.reference.ports import find_port
from sealane.reports.charts import Tick, axis_step, nice_step
from sealane.reports.figures import number
from sealane.reports.projection import CELL_DEG, WIDTH, Box, Frame, coast, meets, pixels, polygons, window
from sealane.reports.results import Results

_NM_PER_DEG = 60.0
_KM_PER_NM = 1.852
_REACH_DEG = 1.2  # cells further than this from the port's limit are told in words, not drawn
_CLOSER = 0.7  # a second map must show things this much larger
_LABEL_PX = 11.0


@dataclass(frozen=True)
class Outline:
    """A zone: class for its colour, SVG path, name."""

    kind: str
    path: str
    name: str


@dataclass(frozen=True)
class Shade:
    """All cells of one class: SVG path, bounds of the class [kg], words."""

    level: int
    path: str
    text: str


@dataclass(frozen=True)
class Label:
    """A text at a point of the map [px]."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class HeatMap:
    """One map in a frame of ``width`` x ``height`` px."""

    title: str
    width: float
    height: float
    land: str
    shades: tuple[Shade, ...]
    outlines: tuple[Outline, ...]
    labels: tuple[Label, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    scale_px: float
    scale_text: str
    cells: int
    outside_share: float
    coast_boxes: tuple[tuple[float, float, float, float], ...]


def heat_maps(results: Results) -> tuple[HeatMap, ...]:
    """Maps of a run: the region, and the port itself where most of the mass lies in a small part of it.

    Parameters
    ----------
    results : of a finished run.

    Returns
    -------
    No map where no cell carries emissions.
    """
    lat = results.cells.column("lat").to_numpy()
    lon = results.cells.column("lon").to_numpy()
    kg = results.cells.column("nox_g").to_numpy() / 1e3
    keep = kg > 0
    lat, lon, kg = lat[keep], lon[keep], kg[keep]
    if not len(kg):
        return ()
    port = find_port(results.port)
    lon0 = port.lon if port else float(lon[0])
    east = (lon + CELL_DEG / 2 - lon0 + 180.0) % 360.0 - 180.0 - CELL_DEG / 2
    limit = _box(results, lon0, ("port_limit",))
    region = window(lon0, *_region(east, lat, limit))
    maps = [_draw("The region", region, results, lat, lon, kg)]
    places = _box(results, lon0, ("berth", "anchorage"))
    if places is not None:
        harbour = window(lon0, *places)
        if harbour.east - harbour.west < _CLOSER * (region.east - region.west):
            maps.append(_draw("The harbour: berths and anchorages", harbour, results, lat, lon, kg))
    return tuple(maps)


def _box(results: Results, lon0: float, kinds: tuple[str, ...]) -> Box | None:
    """Box of the port's zones of some kinds, longitudes relative to the port."""
    corners = [
        corner
        for feature in results.zones
        if feature["properties"].get("kind") in kinds and feature["properties"].get("port") == results.port
        for polygon in polygons(feature)
        for corner in polygon[0]
    ]
    if not corners:
        return None
    lons = [normalise_lon(corner[0] - lon0) for corner in corners]
    lats = [corner[1] for corner in corners]
    return min(lons), min(lats), max(lons), max(lats)


def _region(east: np.ndarray, lat: np.ndarray, limit: Box | None) -> Box:
    """Box of the limit and of the cells, no further out than a map can show."""
    box = (float(east.min()), float(lat.min()), float(east.max()) + CELL_DEG, float(lat.max()) + CELL_DEG)
    if limit is None:
        return box
    reach = (limit[0] - _REACH_DEG, limit[1] - _REACH_DEG, limit[2] + _REACH_DEG, limit[3] + _REACH_DEG)
    return (
        min(limit[0], max(reach[0], box[0])),
        min(limit[1], max(reach[1], box[1])),
        max(limit[2], min(reach[2], box[2])),
        max(limit[3], min(reach[3], box[3])),
    )


def levels(kg: np.ndarray) -> list[float]:
    """Lower bounds of at most six classes in the ratio of 1, 3, 10: the heaviest cell stands in the last."""
    top = math.log10(float(kg.max()))
    bounds = [
        10.0 ** (power // 2) * (3.0 if power % 2 else 1.0)
        for power in range(math.floor(2 * top) - 7, math.floor(2 * top) + 2)
    ]
    under = [bound for bound in bounds if bound <= kg.max()][-6:]
    # Classes wholly below the lightest cell would be empty.
    return [bound for bound, following in zip(under, [*under[1:], math.inf], strict=True) if following > kg.min()]


def _shades(frame: Frame, lat: np.ndarray, lon: np.ndarray, kg: np.ndarray, bounds: list[float]) -> Iterator[Shade]:
    level = np.searchsorted(np.array(bounds), kg, side="right") - 1
    level = np.maximum(level, 0)
    w, h = round(CELL_DEG * frame.px_per_lon + 0.15, 2), round(CELL_DEG * frame.px_per_lat + 0.15, 2)
    for number_, bound in enumerate(bounds):
        at = np.flatnonzero(level == number_)
        path = "".join(
            f"M{frame.x(float(lon[k]) + CELL_DEG / 2) - CELL_DEG / 2 * frame.px_per_lon:.1f} "
            f"{frame.y(float(lat[k]) + CELL_DEG):.1f}h{w:g}v{h:g}h-{w:g}z"
            for k in at
        )
        if number_ == 0:
            text = f"under {number(bounds[1], 1)} kg" if len(bounds) > 1 else f"{number(bound, 1)} kg or more"
        elif number_ == len(bounds) - 1:
            text = f"{number(bound, 1)} kg or more"
        else:
            text = f"{number(bound, 1)} to {number(bounds[number_ + 1], 1)} kg"
        # The darkest colour is the heaviest class, however many there are.
        yield Shade(6 - len(bounds) + number_ + 1, path, text)


def _draw(title: str, frame: Frame, results: Results, lat: np.ndarray, lon: np.ndarray, kg: np.ndarray) -> HeatMap:
    height = round(frame.height, 1)
    east = (lon + CELL_DEG / 2 - frame.lon0 + 180.0) % 360.0 - 180.0
    inside = (east > frame.west) & (east < frame.east) & (lat + CELL_DEG > frame.south) & (lat < frame.north)
    outlines, labels = _outlines(frame, results, height)
    land = "".join(
        frame.path(rings) for _, box, parts in coast() if meets(frame, box) for rings in parts if frame.touches(rings)
    )
    lon_step = axis_step(frame.east - frame.west, 6)
    lat_step = axis_step(frame.north - frame.south, 6)
    nm_px = frame.px_per_lat / _NM_PER_DEG
    bar_nm = nice_step(WIDTH / nm_px, 5)
    return HeatMap(
        title=title,
        width=WIDTH,
        height=height,
        land=land,
        shades=tuple(_shades(frame, lat[inside], lon[inside], kg[inside], levels(kg))),
        outlines=tuple(outlines),
        labels=tuple(labels),
        x_ticks=tuple(_x_ticks(frame, lon_step)),
        y_ticks=tuple(
            Tick(round(frame.y(k * lat_step), 1), _degrees(k * lat_step, "N", "S", lat_step))
            for k in range(math.ceil(frame.south / lat_step), math.floor(frame.north / lat_step) + 1)
            if 22 < frame.y(k * lat_step) < height - 26
        ),
        scale_px=round(bar_nm * nm_px, 1),
        scale_text=f"{number(bar_nm, 2) if bar_nm < 1 else f'{bar_nm:g}'} nm ({number(bar_nm * _KM_PER_NM, 2)} km)",
        cells=int(inside.sum()),
        outside_share=float(kg[~inside].sum() / kg.sum()),
        coast_boxes=tuple(pixels(frame, box, height) for _, box, _ in coast() if meets(frame, box)),
    )


def _x_ticks(frame: Frame, step: float) -> Iterator[Tick]:
    west = frame.west + frame.lon0
    for k in range(math.ceil(west / step), math.floor((frame.east + frame.lon0) / step) + 1):
        x = round((k * step - west) * frame.px_per_lon, 1)
        if 60 < x < WIDTH - 40:
            yield Tick(x, _degrees(normalise_lon(k * step), "E", "W", step))


def _degrees(value: float, positive: str, negative: str, step: float) -> str:
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{abs(value):.{decimals}f}° {positive if value >= 0 else negative}"


def _outlines(frame: Frame, results: Results, height: float) -> tuple[list[Outline], list[Label]]:
    """Port limit, anchorages and berths in the window; names where they find room."""
    outlines: list[Outline] = []
    labels: list[Label] = []
    taken: list[tuple[float, float, float, float]] = []
    order = {"port_limit": 0, "speed_zone": 1, "anchorage": 2, "berth": 3}
    features = [f for f in results.zones if f["properties"].get("kind") in order]
    for feature in sorted(features, key=lambda f: order[f["properties"]["kind"]]):
        properties = feature["properties"]
        for rings in polygons(feature):
            if not frame.touches(rings):
                continue
            path = frame.path(rings)
            if not path:
                continue
            kind = properties["kind"].replace("_", "-") + (" learnt" if properties.get("learnt") else "")
            outlines.append(Outline(kind, path, properties["name"]))
            if properties["kind"] != "anchorage" or properties.get("learnt"):
                continue
            xs = [frame.x(corner[0]) for corner in rings[0]]
            ys = [frame.y(corner[1]) for corner in rings[0]]
            text = _short_name(properties["name"])
            half = len(text) * _LABEL_PX * 0.3
            x, y = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
            box = (x - half, y - _LABEL_PX, x + half, y + 4)
            fits = (
                max(xs) - min(xs) > 2 * half and box[0] > 0 and box[2] < WIDTH and box[1] > 14 and box[3] < height - 30
            )
            if fits and all(box[2] < t[0] or t[2] < box[0] or box[3] < t[1] or t[3] < box[1] for t in taken):
                taken.append(box)
                labels.append(Label(round(x, 1), round(y + 4, 1), text))
    return outlines, labels


def _short_name(name: str) -> str:
    """``Commercial Anchorage B, Los Angeles and Long Beach`` becomes ``B``: the key says that it is an anchorage."""
    return (
        name.split(",", maxsplit=1)[0].replace("Commercial ", "").replace("Anchorage ", "").replace("No. ", "").strip()
    )
