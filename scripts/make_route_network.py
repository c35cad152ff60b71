"""Make src/sealane/movement/routes/network.npz: masks of water, corners, and the lines between them.

    npm pack world-atlas@2.0.2        # Natural Earth 1:10 m and 1:50 m land, public domain
    python scripts/make_route_network.py --atlas FOLDER

FOLDER holds land-10m.json and land-50m.json of that package, and ne_10m_minor_islands.json, the small islands that
Natural Earth keeps in a layer of their own (public domain, as GeoJSON in the repository
martynafford/natural-earth-geojson, CC0, commit 0b9a6ceb). The network of searoute comes with its Python package.
Takes a quarter of an hour on two idle cores; the same input gives the same bytes. docs/method/routes.md says what is
done. The last stage, scripts/route_network/mouths.py, can also be run alone on the file there is.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from route_network import channels, corners, lines, masks, mouths
from route_network.file import Graph, write
from route_network.land import islets, raster, rings

from sealane.movement.routes.marks import limits
from sealane.movement.routes.network import PATH, joined, units
from sealane.movement.routes.raw_network import nodes_and_edges
from sealane.movement.routes.search import CHANNEL, COAST, LIMIT, Network, line_nm, seen_corners, shortest
from sealane.movement.routes.water import NEAR_NM, Water, clearance, first_land_nm, is_land, pack
from sealane.reference.ports import all_ports

TOLERANCE_NM = 1.0  # how far a simplified shore may lie from the outline
SLACK_DEG = 1.5  # by how much a line may miss a touch
FAR_NM = 10200.0
STRETCH = 1.0001  # a line is left out where others are at most this much longer
DETOUR, DETOUR_NM = 1.01, 0.5  # a line of the searoute network through narrows is kept if it saves this much
OPENS_NM, SHORT_NM, SPARES_NM = 60.0, 12.0, 80.0  # see _narrows
_BEGIN = time.monotonic()


def say(text: str) -> None:
    """Progress."""
    print(f"{time.monotonic() - _BEGIN:6.0f} s  {text}", file=sys.stderr, flush=True)


def main() -> None:
    """Make the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--atlas", type=Path, required=True, help="folder of the three files of land")
    parser.add_argument("--out", type=Path, default=PATH)
    options = parser.parse_args()
    points, edges = nodes_and_edges()
    once = sorted({(min(a, b), max(a, b)) for a, b, _ in edges if a != b})
    found = masks.make(
        raster(rings(options.atlas / "land-10m.json")) | raster(islets(options.atlas / "ne_10m_minor_islands.json")),
        raster(rings(options.atlas / "land-50m.json")),
        channels.cell_of(points),
        [(port.lat, port.lon) for port in all_ports()],
    )
    say(f"masks; {100 * found.near.mean():.2f} % near land, {100 * found.open.mean():.2f} % closed")
    open_root, open_rows = pack(found.open)
    near_root, near_rows = pack(found.near)
    water = Water(open_root, open_rows, near_root, near_rows, clearance(open_root, open_rows))
    cells, begin = masks.chains(found.outer)
    kept = corners.simplify(cells, begin, water, TOLERANCE_NM)
    coast = corners.convex(cells, begin, kept)
    limit = lines.limit_corners()
    limit = limit[[not is_land(open_root, open_rows, lat, lon) for lat, lon in limit[:, :2]]]
    say(f"{len(cells):,} outline cells, {len(coast):,} corners of the coast, {len(limit)} of polar waters")
    channel = channels.inland(points, once, found.water)
    del found, cells
    nodes = np.concatenate([coast, limit])
    i, j = _visible(nodes, water)
    say(f"{len(i):,} lines between corners that see each other")
    kind = np.concatenate([np.full(len(coast), COAST, np.uint8), np.full(len(limit), LIMIT, np.uint8)])
    lat, lon, touch = nodes[:, 0].copy(), nodes[:, 1].copy(), np.round(nodes[:, 2:] * 127.0).astype(np.int8)
    bits = np.empty(len(i), np.uint64)
    lines.all_marks(limits(), lat, lon, i, j, bits)
    length = lines.lengths(lat, lon, i, j)
    keep = lines.worth_keeping(units(lat, lon), i, j, length, bits, np.lexsort((j, i, length)), STRETCH)
    i, j, bits = i[keep], j[keep], bits[keep]
    say(f"{len(i):,} of them kept")
    graph = _with_channels((lat, lon, touch, kind, i, j, bits), points, channel, water)
    say(f"{len(channel)} lines of rivers and canals")
    narrow = _narrows(graph, points, sorted(set(once) - set(channel)), water)
    graph = _with_channels((lat, lon, touch, kind, i, j, bits), points, sorted(channel + narrow), water)
    say(f"{len(narrow)} lines through narrows")
    # Positions go to the file in ten-thousandths of a degree; the mouths are found from those.
    graph = (np.round(graph[0], 4), np.round(graph[1], 4), *graph[2:])
    graph, cut, spits = mouths.with_mouths(graph, water)
    say(f"{cut} mouths, {spits} ways round spits")
    write(options.out, graph, water)
    say(f"{options.out}: {options.out.stat().st_size / 1e6:.2f} MB")


def _visible(nodes: NDArray[np.float64], water: Water) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    slack = np.full(len(nodes), np.sin(np.radians(SLACK_DEG)))
    horizon = corners.horizons(nodes, slack, water, FAR_NM)
    say("horizons")
    lists, counts = np.zeros((len(nodes), 6000), np.int32), np.zeros(len(nodes), np.int64)
    corners.visible_pairs(nodes, horizon, water, lists, counts)
    if counts.max() > lists.shape[1]:
        raise SystemExit(f"A corner sees {counts.max()} others; make room for them.")
    i = np.repeat(np.arange(len(nodes)), counts).astype(np.int32)
    return i, np.concatenate([lists[n, :count] for n, count in enumerate(counts)])


def _with_channels(graph: Graph, points: NDArray[np.float64], channel: list[tuple[int, int]], water: Water) -> Graph:
    """The graph with the channels' lines, and lines from their mouths to what they see."""
    lat, lon, touch, kind, i, j, bits = graph
    net = joined(lat, lon, touch.astype(np.float32) / np.float32(127.0), kind, i, j, bits)
    used = sorted({n for line in channel for n in line})
    place = {n: len(lat) + k for k, n in enumerate(used)}
    more_i, more_j = [place[a] for a, _ in channel], [place[b] for _, b in channel]
    for n in used:
        if not is_land(water.near_root, water.near_rows, *points[n]):
            seen, _, _ = seen_corners(net, water, limits(), *points[n])
            more_i += [place[n]] * len(seen)
            more_j += seen.tolist()
    # Mouths that see each other.
    for a, n in enumerate(used):
        for m in used[a + 1 :]:
            near = abs(points[n] - points[m]).max() < 5.0
            if near and first_land_nm(water, *points[n], *points[m], NEAR_NM, NEAR_NM) < 0.0:
                more_i.append(place[n])
                more_j.append(place[m])
    lat, lon = np.concatenate([lat, points[used, 0]]), np.concatenate([lon, points[used, 1]])
    new_i, new_j = np.array(more_i, np.int32), np.array(more_j, np.int32)
    new_bits = np.empty(len(new_i), np.uint64)
    lines.all_marks(limits(), lat, lon, new_i, new_j, new_bits)
    return (
        lat,
        lon,
        np.concatenate([touch, np.zeros((len(used), 4), np.int8)]),
        np.concatenate([kind, np.full(len(used), CHANNEL, np.uint8)]),
        np.concatenate([i, new_i]),
        np.concatenate([j, new_j]),
        np.concatenate([bits, new_bits]),
    )


Sight = tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.uint64]]


def _strictly(net: Network, point: NDArray[np.float64], sight: Sight, water: Water) -> Sight:
    """What a point sees with the clearance kept right up to it."""
    kept = [first_land_nm(water, *point, net.lat[k], net.lon[k], 0.0, 0.0) < 0.0 for k in sight[0]]
    seen = np.array(kept, np.bool_)
    ids, far, bits = sight
    return ids[seen], far[seen], bits[seen]


def _narrows(
    graph: Graph, points: NDArray[np.float64], rest: list[tuple[int, int]], water: Water
) -> list[tuple[int, int]]:
    """Lines of the searoute network over water that is closed to us, where the way round is long."""
    lat, lon, touch, kind, i, j, bits = graph
    net = joined(lat, lon, touch.astype(np.float32) / np.float32(127.0), kind, i, j, bits)
    loose: dict[int, Sight] = {}
    strict: dict[int, Sight] = {}
    out = []
    for a, b in rest:
        if first_land_nm(water, *points[a], *points[b], 0.0, 0.0) < 0.0:
            continue
        straight = line_nm(points[[a, b], 0].copy(), points[[a, b], 1].copy())
        dry = first_land_nm(water, *points[a], *points[b], 1e5, 1e5) >= 0.0
        for n in (a, b):
            if n not in loose:
                loose[n] = seen_corners(net, water, limits(), *points[n])
                strict[n] = _strictly(net, points[n], loose[n], water)
        # What a point in closed water sees near it lies on both sides of the narrows: that would be a way through the
        # line in question. So the way round begins and ends where the clearance is kept.
        seen = loose if dry else strict
        lats, lons = shortest(net, water, limits(), np.uint64(0), *points[a], *seen[a], *points[b], *seen[b])
        round_nm = line_nm(lats, lons) if lats.size and (dry or lats.size > 2) else np.inf
        if not dry and not (seen[a][0].size and seen[b][0].size):
            round_nm = np.inf
        if round_nm <= DETOUR * straight + DETOUR_NM:
            continue
        # Land one cell wide may bar a strait on our map: a short line that opens a water, or spares a long way round.
        opens = straight <= OPENS_NM if np.isinf(round_nm) else straight <= SHORT_NM and round_nm >= SPARES_NM
        if dry and not opens:
            ends = f"{points[a].round(2)} to {points[b].round(2)}"
            say(f"left out, over land: {ends}, {straight:.0f} nm, {round_nm:.0f} nm round")
        else:
            out.append((a, b))
    return out


if __name__ == "__main__":
    main()
