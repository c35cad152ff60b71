// The time slider and the ships at its moment.
import { moment } from "./words.js";

const CACHED = 200;

/** Ships of all results at a moment as features; answers are kept, as a moment never changes. */
export function shipsAsker(view) {
  const kept = new Map();
  return async (/** @type {string} */ at) => {
    if (!kept.has(at)) {
      if (kept.size >= CACHED) kept.delete(kept.keys().next().value);
      const asks = view.results.filter((r) => r.ships).map(async (result) => {
        const answer = await fetch(`${result.ships}?${new URLSearchParams({ at })}`, { headers: { Accept: "application/json" } });
        if (!answer.ok) throw new Error(`ships: ${answer.status}`);
        const { ships } = await answer.json();
        return ships.map((ship) => ({
          type: "Feature",
          properties: Object.fromEntries(Object.entries({ ...ship, simulated: result.simulated }).filter(([, value]) => value !== null)),
          geometry: { type: "Point", coordinates: [ship.lon, ship.lat] },
        }));
      });
      const found = Promise.all(asks).then((lists) => ({ type: "FeatureCollection", features: lists.flat() }));
      kept.set(at, found);
      found.catch(() => kept.delete(at));
    }
    return kept.get(at);
  };
}

/** Wires slider and button; `show` is called with the moment in ISO form. @param {HTMLElement} element */
export function makeTime(element, view, show) {
  const box = element.querySelector("[data-map-time]");
  if (!box || !view.begins_at || !view.results.some((r) => r.ships)) return;
  const slider = box.querySelector("[data-map-slider]");
  const button = box.querySelector("[data-map-play]");
  const said = box.querySelector("[data-map-moment]");
  const begin = Date.parse(view.begins_at);
  const steps = Math.round((Date.parse(view.ends_at) - begin) / 1000 / view.step_s);
  slider.max = String(steps);
  slider.value = String(Math.round((Date.parse(view.at) - begin) / 1000 / view.step_s));
  box.classList.remove("waiting");
  const at = () => new Date(begin + Number(slider.value) * view.step_s * 1000).toISOString();
  const say = () => {
    said.textContent = moment(at());
    slider.setAttribute("aria-valuetext", said.textContent);
  };
  const step = () => {
    say();
    return show(at());
  };
  slider.addEventListener("input", step);

  // Without motion the steps are few and slow; with it an hour passes in a second and a half.
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let timer = 0;
  const stop = () => {
    clearTimeout(timer);
    timer = 0;
    button.setAttribute("aria-pressed", "false");
    button.textContent = button.dataset.play;
  };
  const run = async () => {
    const by = calm.matches ? 6 : 1;
    slider.value = String(Number(slider.value) + by > steps ? 0 : Number(slider.value) + by);
    await step();
    if (timer) timer = setTimeout(run, calm.matches ? 2000 : 250);
  };
  button.addEventListener("click", () => {
    if (timer) return stop();
    button.setAttribute("aria-pressed", "true");
    button.textContent = button.dataset.pause;
    timer = setTimeout(run, 0);
  });
  document.addEventListener("visibilitychange", () => document.hidden && stop());
  return step();
}
