// What every page needs: the panel of derivations, forms that speak the interface, charts where a page has any.

import { startForms } from "./forms.js";

const panel = document.getElementById("panel");
let opener = null;

function closePanel() {
  panel.hidden = true;
  panel.replaceChildren();
  opener?.focus();
  opener = null;
}

document.body.addEventListener("htmx:beforeRequest", (event) => {
  const link = event.target.closest("[data-figure]");
  if (link && !panel.contains(link)) opener = link;
});

document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target !== panel) return;
  const close = document.createElement("button");
  close.className = "close";
  close.textContent = panel.dataset.close;
  close.addEventListener("click", closePanel);
  panel.prepend(close);
  panel.hidden = false;
  panel.focus();
  panel.scrollTop = 0;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const views = document.querySelector("[data-views][open]");
  if (views) { views.open = false; views.querySelector("summary").focus(); }
  else if (!panel.hidden) closePanel();
});

document.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-copy-link]");
  if (!link || !navigator.clipboard) return;
  event.preventDefault();
  await navigator.clipboard.writeText(link.href);
  say(document.getElementById("said").dataset.copied);
});

document.addEventListener("click", (event) => {
  const views = document.querySelector("[data-views][open]");
  if (views && !views.contains(event.target)) views.open = false;
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

export function say(text) {
  const place = document.getElementById("said");
  place.textContent = text;
  setTimeout(() => { if (place.textContent === text) place.textContent = ""; }, 4000);
}

// On wide screens the menu is always open; it is a disclosure only where room is scarce.
const menu = document.querySelector("[data-menu]");
const wide = matchMedia("(min-width: 60.01rem)");
const fit = () => { if (menu) menu.open = wide.matches; };
wide.addEventListener("change", fit);
fit();

startForms(document);
document.body.addEventListener("htmx:afterSettle", (event) => {
  startForms(event.detail.elt);
  drawCharts(event.detail.elt);
});

function drawCharts(root) {
  if (root.querySelector?.("[data-chart]")) import("./charts.js").then((module) => module.drawAll(root));
}
drawCharts(document);
if (document.querySelector("[data-map-src]")) import("./map/map.js").then((module) => document.querySelectorAll("[data-map-src]").forEach((element) => module.startMap(element)));
