// Draws the map that an element names: `data-map-src` is the address of what it shows.
import { makeLegend } from "./legend.js";
import { sayWhatIs } from "./popup.js";
import { addPictures, makeStyle } from "./style.js";
import { makeTime, shipsAsker } from "./time.js";
import { inKilometres, inksOf, number, wordsOf } from "./words.js";

const WORKER = new URL("../vendor/maplibre-gl-worker.mjs", import.meta.url).href;
const PACIFIC_ZOOM = { narrow: 0.6, wide: 1.9 };
const ASK_AGAIN_MS = 3000;

/** Starts the map of an element; resolves when it has been drawn once. @param {HTMLElement} element */
export async function startMap(element) {
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
      fadeDuration: still ? 0 : 150, localIdeographFontFamily: "'Noto Sans CJK JP', 'Hiragino Sans', 'Yu Gothic', sans-serif", hash: "map",
      cooperativeGestures: false,
      locale: { "Map.Title": words("map"), "NavigationControl.ZoomIn": words("zoom-in"), "NavigationControl.ZoomOut": words("zoom-out"), "NavigationControl.ResetBearing": words("north"), "Popup.Close": words("close") },
    });
    map.touchZoomRotate.disableRotation();
    map.keyboard.disableRotation();
    map.addControl(new gl.NavigationControl({ showCompass: false }), "top-right");
    map.addControl(new gl.ScaleControl({ unit: inKilometres(units) ? "metric" : "nautical" }), "bottom-left");
    addPictures(map);
    element.querySelector("[data-map-wait]").hidden = true;

    let failed = false;
    map.on("error", () => { failed = true; say(words("failed")); });
    // A late once("idle") never fires: whether all is loaded is looked at after every frame.
    map.on("render", () => setState(map.loaded() && map.areTilesLoaded() ? "idle" : "drawing"));
    map.on("idle", () => { setState("idle"); sayCrowded(); });

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
    map.triggerRepaint();

    function restyle() {
      const style = makeStyle(view, inksOf(element), legend.on(), legend.pollutant());
      if (ships) style.sources.ships.data = ships;
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
