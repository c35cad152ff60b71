// Natural Earth's land (1:10 m, from world-atlas) as vector tiles.
//
// The source is stitched across the antimeridian: a ring that crosses it jumps from 180 to -180. Drawn as it stands it
// makes stripes across the map, at 71 N (Chukotka) and 17 S (Fiji). Here each ring is unwrapped into one continuous
// line first, and cut again only where tiles are cut.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { GeoJSONVT } from "@maplibre/geojson-vt";
import { fromGeojsonVt } from "@maplibre/vt-pbf";
import { feature } from "topojson-client";

const MAX_ZOOM = 7; // 1/4096 of a tile is 76 m at the equator, below the precision of the source
const POLE_REACH_DEG = 20;
const require = createRequire(import.meta.url);

/** One ring without jumps; the longitudes may leave [-180, 180]. */
export function unwrap(ring) {
  let turn = 0;
  return ring.map(([lon, lat], i) => {
    if (i > 0) {
      const step = lon - ring[i - 1][0];
      if (step > 180) turn -= 360;
      else if (step < -180) turn += 360;
    }
    return [lon + turn, lat];
  });
}

/** Whether an unwrapped ring goes round a pole: it ends a whole turn from where it began. */
export function goesRound(ring) {
  return Math.abs(ring.at(-1)[0] - ring[0][0]) > 180;
}

/** A ring round the South Pole, from one side of the world to the other and closed over the pole, overlapping itself so
 * that no edge stands at the antimeridian. */
export function overPole(ring) {
  const eastward = ring.at(-1)[0] > ring[0][0] ? ring.slice(0, -1) : ring.slice(0, -1).reverse();
  const from = eastward[0][0];
  const turns = [-1, 0, 1].flatMap((k) => eastward.map(([lon, lat]) => [lon + 360 * k, lat]));
  const west = -180 - POLE_REACH_DEG;
  const east = 180 + POLE_REACH_DEG;
  const coast = turns.filter(([lon]) => lon >= west && lon <= east);
  if (coast.length < 3) throw new Error(`the ring that begins at ${from} goes round no pole`);
  return [...coast, [coast.at(-1)[0], -89], [coast[0][0], -89], coast[0]];
}

/** Polygons of land, every ring continuous. */
export function polygons(topology) {
  const land = feature(topology, topology.objects.land);
  const out = [];
  for (const { geometry } of land.features ?? [land]) {
    for (const rings of geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates) {
      const [outer, ...holes] = rings.map(unwrap);
      const shell = goesRound(outer) ? overPole(outer) : outer;
      const middle = (shell[0][0] + shell.at(-2)[0]) / 2;
      // A hole unwrapped by itself may lie a whole turn beside its shell.
      const beside = holes.map((hole) => {
        const turns = Math.round((middle - hole[0][0]) / 360) * 360;
        return hole.map(([lon, lat]) => [lon + turns, lat]);
      });
      out.push({ type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [shell, ...beside] } });
    }
  }
  return out;
}

/** Every tile that has land, gzipped, in one file, and where each stands. */
export function write(folder) {
  const topology = JSON.parse(readFileSync(require.resolve("world-atlas/land-10m.json"), "utf8"));
  const features = polygons(topology);
  const index = new GeoJSONVT({ type: "FeatureCollection", features }, {
    maxZoom: MAX_ZOOM, indexMaxZoom: MAX_ZOOM, indexMaxPoints: 0, tolerance: 3, extent: 4096, buffer: 64,
  });
  const places = {};
  const seen = new Map(); // a tile that is all land is stored once
  const parts = [];
  let offset = 0;
  for (let z = 0; z <= MAX_ZOOM; z++) {
    for (let x = 0; x < 2 ** z; x++) {
      for (let y = 0; y < 2 ** z; y++) {
        const tile = index.getTile(z, x, y);
        if (!tile?.features.length) continue;
        const bytes = gzipSync(fromGeojsonVt({ land: tile }, { version: 2, extent: 4096 }), { level: 9 });
        const key = bytes.toString("base64");
        if (!seen.has(key)) {
          seen.set(key, [offset, bytes.length]);
          parts.push(bytes);
          offset += bytes.length;
        }
        places[`${z}/${x}/${y}`] = seen.get(key);
      }
    }
  }
  writeFileSync(join(folder, "land-tiles.bin"), Buffer.concat(parts));
  const origin = "Natural Earth 1:10 m land, public domain, by way of world-atlas";
  writeFileSync(join(folder, "land-tiles.json"), JSON.stringify({ origin, max_zoom: MAX_ZOOM, tiles: places }));
  return { polygons: features.length, tiles: Object.keys(places).length, bytes: offset };
}
