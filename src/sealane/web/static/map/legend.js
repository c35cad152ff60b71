// Layer switches and legend: real controls of the page, which show only what the map has.
import { number } from "./words.js";
import { boundsOf, heatInks } from "./style.js";

/** Names of layers the view has something of. */
function present(view) {
  const some = (test) => view.results.some(test);
  return {
    links: view.links.length > 0, lanes: view.lanes.length > 0, ports: view.ports.length > 0,
    tracks: some((r) => r.tracks), ships: some((r) => r.ships), calls: view.stays_in_all > 0,
    berths: view.results.length > 0, anchorages: view.results.length > 0, limits: view.results.length > 0,
    eca: true, speed: true, heat: some((r) => r.legends.length > 0),
  };
}

/** Shows the switches and calls `changed` with the names that are on. @param {HTMLElement} element */
export function makeLegend(element, view, words, changed, pollutantChanged) {
  let there = present(view);
  const showRows = () => {
    there = present(view);
    // What the map has nothing of stays in its place, switched off: nothing jumps when the map comes.
    for (const row of element.querySelectorAll("[data-map-layer]")) {
      const absent = !there[row.dataset.mapLayer];
      row.classList.toggle("absent", absent);
      for (const control of row.querySelectorAll("input, select")) control.disabled = absent;
    }
  };
  showRows();
  const kinds = new Set(view.links.map((link) => link.kind));
  for (const row of element.querySelectorAll("[data-map-kind]")) row.classList.toggle("absent", !kinds.has(row.dataset.mapKind));
  const boxes = [...element.querySelectorAll("[data-map-layer] input[type=checkbox]")];
  const on = () => new Set(boxes.filter((box) => box.checked && there[box.value]).map((box) => box.value));
  for (const box of boxes) box.addEventListener("change", () => changed(on()));

  const select = element.querySelector("[data-map-pollutant]");
  if (!select) return { on, showRows, pollutant: () => undefined };
  const names = [...new Set(view.results.flatMap((r) => r.legends.map((l) => l.pollutant)))];
  const written = { co2: "CO₂", ch4: "CH₄", n2o: "N₂O", co2e: "CO₂e", nox: "NOx", so2: "SO₂", pm10: "PM10", pm25: "PM2.5", dpm: "DPM", hc: "HC", co: "CO", bc: "BC" };
  select.replaceChildren(...names.map((name) => new Option(written[name] ?? name, name, name === "nox", name === "nox")));
  const showClasses = () => {
    const bounds = boundsOf(view, select.value);
    const inks = heatInks(bounds.length);
    element.querySelector("[data-map-classes]").replaceChildren(...bounds.map((bound, i) => {
      const item = document.createElement("li");
      const swatch = document.createElement("span");
      swatch.className = `map-swatch ink-${inks[i]}`;
      swatch.setAttribute("aria-hidden", "true");
      const last = i === bounds.length - 1;
      const text = i === 0 && !last ? `${words("under")} ${number(bounds[1])}` : last ? `${number(bound)} ${words("and-more")}` : `${number(bound)} – ${number(bounds[i + 1])}`;
      item.append(swatch, text);
      return item;
    }));
  };
  showClasses();
  select.addEventListener("change", () => {
    showClasses();
    pollutantChanged(select.value);
  });
  return { on, showRows, pollutant: () => select.value || undefined };
}
