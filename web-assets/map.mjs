// The parts of MapLibre that the map uses.
export { AttributionControl, Map, NavigationControl, Popup, ScaleControl, setWorkerUrl } from "./node_modules/maplibre-gl/src/index.ts";
