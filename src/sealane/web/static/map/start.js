// Starts every map of a page, also one that htmx puts in later.
import { startMap } from "./map.js";

/** @param {ParentNode} root */
function startIn(root) {
  for (const element of root.querySelectorAll("[data-map-src]:not([data-map-started])")) {
    element.setAttribute("data-map-started", "");
    void startMap(/** @type {HTMLElement} */ (element));
  }
}

startIn(document);
document.addEventListener("htmx:load", (event) => startIn(/** @type {Element} */ (event.target)));
