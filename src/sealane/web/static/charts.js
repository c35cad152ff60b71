// Draws a chart from the table beside it; the table stays what a screen reader reads and a reader copies.

import { Chart } from "./vendor/charts.mjs";

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
  const kind = figure.dataset.chart;
  const unit = figure.dataset.unit;
  const quiet = colour("--quiet"), grid = colour("--line"), text = colour("--text");
  const sideways = kind === "bar-sideways";
  const stacked = kind === "stacked-bar";
  const lines = kind === "line";
  const colours = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6"].map(colour);
  const number = new Intl.NumberFormat(document.documentElement.lang, { maximumSignificantDigits: 4 });
  const names = { stacked, grid: { display: false }, border: { color: grid }, ticks: { color: quiet, autoSkip: !sideways, maxRotation: 0 } };
  const values = {
    stacked,
    beginAtZero: true,
    grid: { color: grid },
    border: { display: false },
    ticks: { color: quiet, maxTicksLimit: 7, callback: (value) => number.format(value) },
    title: { display: Boolean(unit), text: unit, color: quiet },
  };
  figure.drawn?.destroy();
  const canvas = document.createElement("canvas");
  place.replaceChildren(canvas);
  figure.drawn = new Chart(canvas, {
    type: lines ? "line" : "bar",
    data: {
      labels: data.labels,
      datasets: data.series.map((one, place) => ({
        label: one.name,
        data: one.values,
        backgroundColor: colours[place % colours.length],
        borderColor: colours[place % colours.length],
        borderWidth: lines ? 2.5 : 0,
        // Series differ by more than colour.
        borderDash: lines ? [[], [7, 4], [2, 3], [10, 3, 2, 3]][place % 4] : undefined,
        pointStyle: ["circle", "rect", "triangle", "rectRot"][place % 4],
        pointRadius: data.labels.length > 40 ? 0 : 3.5,
        maxBarThickness: 48,
        spanGaps: false,
      })),
    },
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      indexAxis: sideways ? "y" : "x",
      interaction: { mode: "index", intersect: false, axis: sideways ? "y" : "x" },
      font: { family: css("--font") },
      scales: sideways ? { x: values, y: names } : { x: names, y: values },
      plugins: {
        legend: { display: data.series.length > 1, position: "top", align: "start", labels: { color: text, usePointStyle: lines } },
        tooltip: {
          backgroundColor: colour("--surface"), titleColor: text, bodyColor: text, borderColor: grid, borderWidth: 1, padding: 10,
          callbacks: { label: (point) => ` ${point.dataset.label}: ${number.format(point.raw)} ${unit}` },
        },
      },
    },
  });
}

export function drawAll(root) {
  const figures = [...root.querySelectorAll("[data-chart]")];
  figures.forEach(draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => figures.forEach(draw));
  document.documentElement.dataset.charts = "drawn";
}
