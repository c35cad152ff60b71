// Words and colours of the map: both stand in the page, in the reader's language and theme.

/** Texts of the map by key. @param {HTMLElement} element */
export function wordsOf(element) {
  const texts = new Map();
  for (const span of element.querySelectorAll("[data-word]")) texts.set(span.getAttribute("data-word"), span.textContent);
  return (/** @type {string} */ key, /** @type {Record<string, string>} */ values = {}) => {
    let text = texts.get(key) ?? key;
    for (const [name, value] of Object.entries(values)) text = text.replace(`%(${name})s`, value);
    return text;
  };
}

/** Colours as they are now, by name: `rgb(…)`, resolved by the browser. @param {HTMLElement} element */
export function inksOf(element) {
  const found = {};
  for (const swatch of element.querySelectorAll("[data-ink]")) {
    found[swatch.getAttribute("data-ink")] = getComputedStyle(swatch).color;
  }
  return found;
}

/** Numbers in the page's language. */
export const number = (value, digits = 3) =>
  new Intl.NumberFormat(document.documentElement.lang, { maximumSignificantDigits: digits }).format(value);

/** A moment in UTC, in the page's language. */
export const moment = (time) =>
  `${new Intl.DateTimeFormat(document.documentElement.lang, {
    dateStyle: "medium", timeStyle: "short", timeZone: "UTC", hourCycle: "h23",
  }).format(new Date(time))} UTC`;

const KM_PER_NM = 1.852;

/** Which unit of length the reader chose. @param {string} units */
export const inKilometres = (units) => units.endsWith("km");

/** A distance in the reader's unit. */
export const distance = (nm, units) => (inKilometres(units) ? `${number(nm * KM_PER_NM, 4)} km` : `${number(nm, 4)} nm`);
