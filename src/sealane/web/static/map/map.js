// Draws the map that an element names: `data-map-src` is the address of what it shows. Called by sealane.js.
import { makeLegend } from "./legend.js";
import { sayWhatIs } from "./popup.js";
import { addPictures, makeStyle } from "./style.js";
import { makeTime, shipsAsker } from "./time.js";
import { inKilometres, inksOf, number, wordsOf } from "./words.js";

const WORKER = new URL("../vendor/maplibre-gl-worker.mjs", import.meta.url).href;
const PACIFIC_ZOOM = { narrow: 0.6, wide: 1.75 };
const ASK_AGAIN_MS = 3000;

/** Starts the map of an element; resolves when it has been drawn once. @param {HTMLElement} element */
export async function startMap(element) {
  if (element.hasAttribute("data-map")) return;
  const words = wordsOf(element);
  const canvas = element.querySelector("[data-map-canvas]");
  const status = element.querySelector("[data-map-said]");
  const say = (text) => { if (status.textContent !== text) status.textContent = text; };
  setState("loading");
  try {
    const [gl, view] = await Promise.all([import("../vendor/maplibre-gl.mjs"), read(element.dataset.mapSrc)]);
    gl.setWorkerUrl(WORKER);
    await draw(gl, view);
  } catch (error) {
    setState("failed");
    console.error(error);
    say(words(canvas.querySelector("canvas") || webgl() ? "failed" : "no-webgl"));
    element.querySelector("[data-map-wait]").hidden = true;
  }

  function setState(state) {
    element.dataset.map = state;
    document.body.dataset.map = state;
  }

  async function draw(gl, view) {
    const units = element.dataset.mapUnits ?? "metric";
    element.querySelector("[data-map-simulated]").hidden = !view.simulated;
    const legend = makeLegend(element, view, words, () => restyle(), () => restyle());
    const bounds = view.bounds && [[view.bounds[0], view.bounds[1]], [view.bounds[2], view.bounds[3]]];
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const map = new gl.Map({
      container: canvas,
      style: makeStyle(view, inksOf(element), legend.on(), legend.pollutant()),
      ...(bounds ? { bounds, fitBoundsOptions: { padding: 30 } } : { center: view.centre, zoom: canvas.clientWidth < 640 ? PACIFIC_ZOOM.narrow : PACIFIC_ZOOM.wide }),
      minZoom: 0.4, maxZoom: 15, renderWorldCopies: true, attributionControl: false, dragRotate: false, pitchWithRotate: false, touchPitch: false,
      fadeDuration: still ? 0 : 150, localIdeographFontFamily: "'Noto Sans CJK JP', 'Hiragino Sans', 'Yu Gothic', sans-serif", hash: "view",
      cooperativeGestures: false,
      locale: { "Map.Title": words("map"), "NavigationControl.ZoomIn": words("zoom-in"), "NavigationControl.ZoomOut": words("zoom-out"), "NavigationControl.ResetBearing": words("north"), "Popup.Close": words("close") },
    });
    Object.assign(element, { map });
    map.touchZoomRotate.disableRotation();
    map.keyboard.disableRotation();
    map.addControl(new gl.NavigationControl({ showCompass: false }), "top-right");
    map.addControl(new gl.ScaleControl({ unit: inKilometres(units) ? "metric" : "nautical" }), "bottom-left");
    addPictures(map, inksOf(element));
    element.querySelector("[data-map-wait]").hidden = true;

    let failed = false;
    let ready = false;
    map.on("error", ({ error }) => {
      failed = true;
      console.warn(error);
      say(words("failed"));
    });
    // A late "idle" never comes, and the last frame may be drawn before the last tile is counted as loaded: so whether
    // all is there is looked at after frames, and again a little later while it is not.
    let waiting = 0;
    const look = () => {
      waiting = 0;
      if (map.loaded() && map.areTilesLoaded() && ready) {
        if (element.dataset.map !== "idle") sayCrowded();
        return setState("idle");
      }
      setState("drawing");
      waiting = setTimeout(look, 120);
    };
    map.on("render", () => { if (!waiting) waiting = setTimeout(look, 30); });

    const askShips = shipsAsker(view);
    let wanted = "";
    let ships;
    const show = async (at) => {
      wanted = at;
      try {
        const found = await askShips(at);
        if (wanted !== at) return;
        ships = found;
        map.getSource("ships")?.setData(ships);
      } catch {
        say(words("failed"));
      }
    };
    await once(map, "load");
    await makeTime(element, view, show);
    wirePopups(gl, map, view, units);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => restyle());
    if (view.preparing) askAgain();
    ready = true;
    map.triggerRepaint();

    function restyle() {
      const style = makeStyle(view, inksOf(element), legend.on(), legend.pollutant());
      if (ships) style.sources.ships.data = ships;
      addPictures(map, inksOf(element));
      map.setStyle(style, { diff: true });
      map.triggerRepaint();
    }

    function askAgain() {
      say(words("preparing"));
      setTimeout(async () => {
        try {
          Object.assign(view, await read(element.dataset.mapSrc));
        } catch {
          return say(words("failed"));
        }
        if (view.preparing) return askAgain();
        say("");
        legend.showRows();
        restyle();
        await makeTime(element, view, show);
      }, ASK_AGAIN_MS);
    }

    function sayCrowded() {
      if (failed) return;
      let worst = null;
      view.results.forEach((result, i) => {
        if (!result.tracks || !legend.on().has("tracks") || !map.getSource(`tracks-${i}`)) return;
        for (const { properties } of map.querySourceFeatures(`tracks-${i}`, { sourceLayer: "about" })) {
          if (!worst || properties.shown / properties.present < worst.shown / worst.present) worst = properties;
        }
      });
      say(worst ? words("crowded", { shown: number(worst.shown), present: number(worst.present) }) : "");
    }
  }

  function wirePopups(gl, map, view, units) {
    const near = ({ x, y }) => [[x - 4, y - 4], [x + 4, y + 4]];
    map.on("click", (event) => {
      const box = sayWhatIs(map.queryRenderedFeatures(near(event.point)), view, words, units);
      if (box) new gl.Popup({ maxWidth: "20rem", focusAfterOpen: true }).setLngLat(event.lngLat).setDOMContent(box).addTo(map);
    });
    map.on("mousemove", (event) => {
      const some = map.queryRenderedFeatures(near(event.point)).some((f) => f.layer.metadata?.name && f.layer.metadata.name !== "eca");
      map.getCanvas().classList.toggle("map-hand", some);
    });
  }
}

async function read(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.json();
}

const once = (map, event) => new Promise((resolve) => (map.loaded() && event === "load" ? resolve() : map.once(event, resolve)));

function webgl() {
  return Boolean(document.createElement("canvas").getContext("webgl2"));
}
