// What a click on the map says: facts as text nodes, never as markup.
import { distance, moment, number } from "./words.js";

/** @returns {HTMLElement} */
function facts(title, rows, link, words, marks = []) {
  const box = document.createElement("section");
  box.className = "map-popup";
  const heading = document.createElement("h3");
  heading.textContent = title;
  box.append(heading);
  for (const mark of marks) {
    const badge = document.createElement("span");
    badge.className = "badge simulated";
    badge.textContent = mark;
    box.append(badge);
  }
  const list = document.createElement("dl");
  list.className = "map-facts";
  for (const [name, value] of rows) {
    if (value === undefined || value === null || value === "") continue;
    const term = document.createElement("dt");
    const said = document.createElement("dd");
    term.textContent = name;
    said.textContent = String(value);
    list.append(term, said);
  }
  box.append(list);
  if (typeof link === "string" && link.startsWith("/") && !link.startsWith("//")) {
    const anchor = document.createElement("a");
    anchor.href = link;
    anchor.textContent = words("open");
    box.append(anchor);
  }
  return box;
}

const sayers = {
  ships: (p, w) => facts(p.name ?? w("ship"), [["MMSI", p.mmsi], [w("class"), p.ship_class], [w("speed"), p.speed_kn === undefined ? undefined : `${number(p.speed_kn)} kn`], [w("heading"), p.heading_deg === undefined ? undefined : `${p.heading_deg}°`], [w("reported"), moment(p.reported_at)], p.silent ? ["", w("silent")] : ["", ""]], null, w, p.simulated ? [w("simulated")] : []),
  tracks: (p, w, about) => facts(p.name ?? w("track"), [["MMSI", p.mmsi], [w("class"), p.class], p.silent ? ["", w("silence")] : ["", ""]], null, w, about?.simulated ? [w("simulated")] : []),
  calls: (p, w, about) => facts(p.name ?? w("stay"), [["MMSI", p.mmsi], [w("class"), p.class], [w("zone"), w(`zone-${p.kind}`)], [w("begin"), moment(p.begin)], [w("end"), p.end ? moment(p.end) : w("not-seen")]], about?.port ? `/ports/${encodeURIComponent(about.port)}/calls/${about.id}/${encodeURIComponent(p.call_id)}` : null, w, about?.simulated ? [w("simulated")] : []),
  links: (p, w) => facts(p.title, [[w("kind"), w(p.kind)], [w("year"), p.year], [w("ports"), p.ports]], p.page, w, p.demonstration ? [w("demonstration")] : []),
  lanes: (p, w, _, units) => facts(p.title, [[w("ports"), p.ports], [w("distance"), p.distance_nm === undefined ? undefined : distance(p.distance_nm, units)]], p.page, w, p.simulated ? [w("simulated")] : []),
  ports: (p, w) => facts(p.name, [["UN/LOCODE", p.unlocode]], p.page, w),
  zones: (p, w) => facts(p.name, [[w("kind"), w(`zone-${p.kind}`)], ["UN/LOCODE", p.port], [w("grade"), p.grade], p.learnt ? ["", w("learnt")] : ["", ""]], null, w),
  heat: (p, w, about) => facts(w("heat"), [[w("kg"), `${number(p.kg)} kg`], [w("density"), `${number(p.kg_per_km2)} kg/km²`]], about ? `/explain/heat/${about.id}?${new URLSearchParams({ pollutant: p.pollutant, lat: p.at[1].toFixed(5), lon: p.at[0].toFixed(5), size: String(p.size) })}` : null, w, about?.simulated ? [w("simulated")] : []),
};
const MOST = 6;

/** Middle of a square. */
function middleOf(feature) {
  const corners = feature.geometry.coordinates.flat(feature.geometry.type === "MultiPolygon" ? 2 : 1).slice(0, 4);
  return [0, 1].map((k) => corners.reduce((sum, corner) => sum + corner[k] / 4, 0));
}

/** Facts of what lies at a place, the topmost first; null where nothing is. */
export function sayWhatIs(features, view, words, units) {
  const seen = new Set();
  const box = document.createElement("div");
  for (const feature of features) {
    const name = feature.layer.metadata?.name;
    const kind = ["berths", "anchorages", "limits", "eca", "speed"].includes(name) ? "zones" : name;
    if (!sayers[kind]) continue;
    const p = Object.fromEntries(Object.entries(feature.properties).filter(([, value]) => value !== null && value !== "null"));
    if (kind === "heat") Object.assign(p, { at: middleOf(feature), pollutant: feature.layer.metadata.pollutant });
    const key = `${kind} ${p.id ?? p.mmsi ?? p.unlocode ?? ""} ${p.call_id ?? ""} ${p.ports ?? ""}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const about = /-(\d+)$/.exec(feature.source);
    box.append(sayers[kind](p, words, about ? view.results[Number(about[1])] : undefined, units));
    if (seen.size === MOST) break;
  }
  return seen.size ? box : null;
}
