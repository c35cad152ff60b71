// The map's style: made of what the node says is there, and of the colours of the page.

const FONT = ["Noto Sans", "Noto Sans CJK JP", "system-ui", "sans-serif"];
const LINK_KINDS = ["general", "antecedent", "friendship", "sister", "mou", "corridor"];
const DASHES = { general: [1, 2], antecedent: [1, 3], friendship: [2, 1.5], sister: [5, 2], mou: [1, 0], corridor: [1, 0] };
// Corners of a label that may stand at its port, with where the label then lies [em].
const OFFSETS = { "bottom-left": [0.4, -0.15], "top-left": [0.4, 0.15], "bottom-right": [-0.4, -0.15], "top-right": [-0.4, 0.15], left: [0.6, 0] };
const ANCHORS = Object.keys(OFFSETS);
/** The corner chosen for a port first; the others where its label would lie on another one. */
const anchorsFrom = (first) => [first, ...ANCHORS.filter((name) => name !== first)].flatMap((name) => [name, OFFSETS[name]]);
const ZONES = { berths: "berth", anchorages: "anchorage", limits: "port_limit" };
const REFERENCE_ZONES = { eca: "eca", speed: "speed_zone" };

const point = (lon, lat, properties) => ({ type: "Feature", properties, geometry: { type: "Point", coordinates: [lon, lat] } });
const line = (coordinates, properties) => ({ type: "Feature", properties, geometry: { type: "LineString", coordinates } });
const collection = (features) => ({ type: "FeatureCollection", features });
const tiles = (address, extra = {}) => ({ type: "vector", tiles: [new URL(address, location.href).href.replaceAll("%7B", "{").replaceAll("%7D", "}")], ...extra });

/** Address of a result's tiles with more said in the query. */
const asked = (address, query) => `${address}?${new URLSearchParams(query)}`;

/** Sources and layers. `on` holds the names of layers that are switched on. */
export function makeStyle(view, inks, on, pollutant) {
  const sources = {
    land: tiles(view.land, { maxzoom: 7 }),
    reference: tiles(view.reference_zones, { maxzoom: 12 }),
    links: { type: "geojson", data: collection(view.links.map((l) => line(l.line, { ...l, line: undefined, ports: l.ports.join(" – ") }))) },
    lanes: { type: "geojson", data: collection(view.lanes.map((l) => line(l.line, { ...l, line: undefined, ports: l.ports.join(" – ") }))) },
    ports: { type: "geojson", data: collection(view.ports.map((p) => point(p.lon, p.lat, p))) },
    ships: { type: "geojson", data: collection([]) },
  };
  const layers = [
    { id: "sea", type: "background", paint: { "background-color": inks.sea } },
    { id: "land", type: "fill", source: "land", "source-layer": "land", paint: { "fill-color": inks.land } },
    { id: "coast", type: "line", source: "land", "source-layer": "land", paint: { "line-color": inks.coast, "line-width": 0.7 } },
  ];
  const add = (name, layer) => layers.push({ ...layer, metadata: { ...layer.metadata, name }, layout: { ...layer.layout, visibility: on.has(name) ? "visible" : "none" } });

  for (const [name, kind] of Object.entries(REFERENCE_ZONES)) area(add, name, kind, "reference", inks[name]);
  view.results.forEach((result, i) => {
    const period = { from: view.begins_at, to: view.ends_at };
    sources[`zones-${i}`] = tiles(result.zones, { maxzoom: 14 });
    if (result.legends.length) {
      const chosen = pollutant ?? result.legends[0].pollutant;
      sources[`heat-${i}`] = tiles(asked(result.heat, { pollutant: chosen }), { maxzoom: 14 });
      add("heat", { id: `heat-${i}`, metadata: { pollutant: chosen }, type: "fill", source: `heat-${i}`, "source-layer": "heat", paint: { "fill-color": heatColour(view, chosen, inks), "fill-opacity": 0.75, "fill-antialias": false } });
    }
    for (const [name, kind] of Object.entries(ZONES)) {
      const ink = { berths: "berth", anchorages: "anchorage", limits: "limit" }[name];
      area(add, name, kind, `zones-${i}`, inks[ink], `-${i}`);
    }
    if (result.tracks && view.begins_at) {
      sources[`tracks-${i}`] = tiles(asked(result.tracks, period), { maxzoom: 14 });
      const source = { source: `tracks-${i}`, "source-layer": "tracks", type: "line" };
      add("tracks", { ...source, id: `tracks-${i}`, filter: ["!", ["get", "silent"]], layout: { "line-join": "round" }, paint: { "line-color": inks.track, "line-width": ["interpolate", ["linear"], ["zoom"], 3, 0.8, 12, 1.6], "line-opacity": 0.65 } });
      add("tracks", { ...source, id: `silences-${i}`, filter: ["get", "silent"], paint: { "line-color": inks["silent-track"], "line-width": 1, "line-dasharray": [2, 3], "line-opacity": 0.8 } });
    }
    if (view.begins_at) {
      sources[`calls-${i}`] = tiles(asked(result.calls, period), { maxzoom: 14 });
      add("calls", { id: `calls-${i}`, type: "circle", source: `calls-${i}`, "source-layer": "calls", paint: { "circle-radius": ["interpolate", ["linear"], ["zoom"], 6, 3, 13, 7], "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": inks.call, "circle-stroke-width": 2 } });
    }
  });
  for (const kind of LINK_KINDS) {
    add("links", {
      id: `links-${kind}`, type: "line", source: "links", filter: ["==", ["get", "kind"], kind], layout: { "line-cap": "butt" },
      paint: { "line-color": inks[`link-${kind}`], "line-width": ["case", ["get", "signed"], 2.6, kind === "corridor" ? 2.2 : 1.3], "line-opacity": ["interpolate", ["linear"], ["zoom"], 6, ["case", ["get", "signed"], 1, 0.75], 9, ["case", ["get", "signed"], 0.6, 0.2]], ...(DASHES[kind][1] ? { "line-dasharray": DASHES[kind] } : {}) },
    });
  }
  add("lanes", { id: "lanes", type: "line", source: "lanes", layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-color": inks.lane, "line-width": 3.2, "line-opacity": 0.9 } });
  add("ports", { id: "ports", type: "circle", source: "ports", paint: { "circle-radius": ["case", ["==", ["get", "rank"], 1], 4.5, 2.6], "circle-color": inks.port, "circle-stroke-color": inks.halo, "circle-stroke-width": 1.2 } });
  add("ships", {
    id: "ships", type: "symbol", source: "ships",
    layout: {
      "icon-image": ["concat", ["case", ["get", "silent"], "silent", "ship"], ["case", ["has", "heading_deg"], "", "-still"]], "icon-rotate": ["coalesce", ["get", "heading_deg"], 0], "icon-rotation-alignment": "map",
      "icon-allow-overlap": true, "icon-ignore-placement": true, "icon-size": ["interpolate", ["linear"], ["zoom"], 2, 0.45, 8, 0.7, 13, 1],
    },
  });
  add("ports", {
    id: "port-names", type: "symbol", source: "ports",
    layout: {
      "text-field": ["get", "name"], "text-font": FONT, "text-size": ["case", ["==", ["get", "rank"], 1], 13, 11.5],
      "text-variable-anchor-offset": ["match", ["get", "anchor"], ...ANCHORS.slice(0, -1).flatMap((name) => [name, ["literal", anchorsFrom(name)]]), ["literal", anchorsFrom(ANCHORS.at(-1))]], "text-justify": "auto",
      "symbol-sort-key": ["get", "rank"], "text-padding": 3, "text-max-width": 12,
    },
    paint: { "text-color": inks.text, "text-halo-color": inks.halo, "text-halo-width": 1.4 },
  });
  return { version: 8, sources, layers };
}

function area(add, name, kind, source, colour, suffix = "") {
  const filter = ["==", ["get", "kind"], kind];
  const dashed = kind === "eca" || kind === "port_limit" || kind === "speed_zone";
  const opacity = { eca: 0.08, port_limit: 0.04, speed_zone: 0.06 }[kind] ?? 0.22;
  add(name, { id: `${name}-fill${suffix}`, type: "fill", source, "source-layer": "zones", filter, paint: { "fill-color": colour, "fill-opacity": opacity } });
  add(name, { id: `${name}-edge${suffix}`, type: "line", source, "source-layer": "zones", filter, paint: { "line-color": colour, "line-width": 1.3, ...(dashed ? { "line-dasharray": [4, 3] } : {}) } });
}

/** Bounds of a pollutant's classes: one scale for all results, that of the heaviest. */
export function boundsOf(view, pollutant) {
  const all = view.results.flatMap((r) => r.legends.filter((l) => l.pollutant === pollutant).map((l) => l.bounds));
  return all.reduce((best, bounds) => ((bounds.at(-1) ?? 0) > (best.at(-1) ?? 0) ? bounds : best), []);
}

/** Colours of so many classes: the heaviest class has the strongest one. */
export const heatInks = (count) => Array.from({ length: count }, (_, i) => `heat-${6 - count + i + 1}`);

function heatColour(view, pollutant, inks) {
  const bounds = boundsOf(view, pollutant);
  const colours = heatInks(bounds.length).map((name) => inks[name]);
  if (bounds.length < 2) return colours[0] ?? inks["heat-6"];
  return ["step", ["get", "kg_per_km2"], colours[0], ...bounds.slice(1).flatMap((bound, i) => [bound, colours[i + 1]])];
}

const PICTURE_PX = 48;
const OUTLINE = [[24, 4], [37, 43], [24, 36], [11, 43]];

/** Pictures of ships in the page's colours: an arrow where the heading is known, a dot where not. */
export function addPictures(map, inks) {
  for (const [name, ink, moving] of [["ship", "ship", true], ["ship-still", "ship", false], ["silent", "silent", true], ["silent-still", "silent", false]]) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = PICTURE_PX;
    const context = canvas.getContext("2d");
    context.beginPath();
    if (moving) OUTLINE.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    else context.arc(24, 24, 11, 0, 2 * Math.PI);
    context.closePath();
    context.lineJoin = "round";
    context.lineWidth = 6;
    context.strokeStyle = inks.halo;
    context.stroke();
    context.fillStyle = inks[ink];
    context.fill();
    const picture = context.getImageData(0, 0, PICTURE_PX, PICTURE_PX);
    if (map.hasImage(name)) map.updateImage(name, picture);
    else map.addImage(name, picture, { pixelRatio: 2 });
  }
}
