// Draws a chart from the table beside it; the table stays what a screen reader reads and a reader copies.

import { init } from "./vendor/charts.mjs";

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// light-dark() is resolved by the browser only where a colour is used.
function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function numberIn(cell) {
  if (!cell) return null;
  const given = cell.dataset.value ?? "";
  const value = Number(given);
  return given === "" || Number.isNaN(value) ? null : value;
}

/** Reads labels and series of a table: <td data-value="12.5">12.5 t</td>; the column heads name the series. */
function readTable(figure) {
  const table = document.getElementById(figure.dataset.table);
  if (!table) return null;
  const heads = [...table.tHead.rows[0].cells].map((cell) => cell.dataset.label ?? cell.textContent.trim());
  const label = Number(figure.dataset.labelColumn);
  const columns = figure.dataset.valueColumns.split(",").map(Number);
  const rows = [...table.tBodies[0].rows].filter((row) => !("noChart" in row.dataset));
  return {
    labels: rows.map((row) => row.cells[label].textContent.trim()),
    series: columns.map((column) => ({ name: heads[column], values: rows.map((row) => numberIn(row.cells[column])) })),
  };
}

function draw(figure) {
  const data = readTable(figure);
  if (!data || !data.labels.length) { figure.hidden = true; return; }
  const place = figure.querySelector(".drawing");
  const chart = figure.drawn ?? (figure.drawn = init(place, null, { renderer: "svg", locale: "EN" }));
  const kind = figure.dataset.chart;
  const quiet = colour("--quiet"), line = colour("--line"), text = colour("--text");
  const sideways = kind === "bar-sideways";
  const names = { type: "category", data: data.labels, axisLine: { lineStyle: { color: line } }, axisLabel: { color: quiet, hideOverlap: true }, inverse: sideways };
  const values = { type: "value", name: figure.dataset.unit, nameTextStyle: { color: quiet, align: "left" }, axisLabel: { color: quiet, hideOverlap: true }, splitLine: { lineStyle: { color: line } } };
  const format = new Intl.NumberFormat(document.documentElement.lang, { maximumSignificantDigits: 4 });
  const lines = kind === "line" || kind === "line-target";
  chart.setOption({
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    color: ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6"].map(colour),
    textStyle: { fontFamily: css("--font") },
    grid: { left: 8, right: 16, top: 44, bottom: 8, containLabel: true, outerBoundsMode: "same" },
    legend: { show: data.series.length > 1, top: 0, textStyle: { color: text } },
    tooltip: { trigger: "axis", renderMode: "richText", backgroundColor: colour("--surface"), borderColor: line, textStyle: { color: text, fontSize: 13 }, valueFormatter: (value) => (value == null ? "–" : `${format.format(value)} ${figure.dataset.unit}`) },
    xAxis: sideways ? values : names,
    yAxis: sideways ? names : values,
    series: data.series.map((one) => ({
      name: one.name,
      type: lines ? "line" : "bar",
      stack: kind === "stacked-bar" || kind === "stacked-area" ? "all" : undefined,
      data: one.values,
      connectNulls: false,
      symbolSize: 7,
      barMaxWidth: 48,
      lineStyle: lines ? { width: 2.5 } : undefined,
    })),
  }, true);
}

export function drawAll(root) {
  const figures = [...root.querySelectorAll("[data-chart]")];
  figures.forEach(draw);
  const sized = new ResizeObserver(() => figures.forEach((figure) => figure.drawn?.resize()));
  figures.forEach((figure) => sized.observe(figure));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => figures.forEach(draw));
  document.documentElement.dataset.charts = "drawn";
}
