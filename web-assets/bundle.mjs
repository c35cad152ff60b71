// Makes the browser's files in the folder named on the command line; called by scripts/build_assets.py.
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

import { write as writeLand } from "./land.mjs";

const [out, testsOut] = process.argv.slice(2);
const modules = "node_modules";

/** A published file, without its pointer to a source map that is not shipped. */
function take(from, name) {
  const text = readFileSync(join(modules, from), "utf8").replace(/\n?\/[/*]# sourceMappingURL=\S+(\s*\*\/)?\s*$/, "\n");
  writeFileSync(join(out, name), text);
}

// MapLibre is built from its own source: page and worker then share one file instead of carrying the same code twice,
// and what no page uses falls out (444 kB gzipped as published, 315 kB so). Its second tile format is left out.
await build({
  entryPoints: { "maplibre-gl": "map.mjs", "maplibre-gl-worker": join(modules, "maplibre-gl/src/source/worker.ts") },
  outdir: out,
  outExtension: { ".js": ".mjs" },
  chunkNames: "maplibre-gl-shared",
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none", // whole licences stand in LICENSES.txt
  define: { "process.env.NODE_ENV": '"production"' },
  // Its classes declare fields that a parent's constructor fills; declaring them anew would empty them.
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
  logLevel: "warning",
  plugins: [{
    name: "one tile format",
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]vector_tile_mlt\.ts$/ }, () => ({
        contents: "export class MLTVectorTile { constructor() { throw new Error('MLT tiles are not built in'); } }",
      }));
    },
  }],
});
take("maplibre-gl/dist/maplibre-gl.css", "maplibre-gl.css");
take("htmx.org/dist/htmx.min.js", "htmx.min.js");
await build({
  entryPoints: ["charts.mjs"],
  outfile: join(out, "charts.mjs"),
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none", // whole licences stand in LICENSES.txt
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "warning",
});
const land = writeLand(out);

/** What stands in the bundles: the packages named, and all that they depend on. */
function shippedWith(names) {
  const found = new Map();
  const queue = [...names];
  while (queue.length) {
    const name = queue.pop();
    if (found.has(name) || name.startsWith("@types/")) continue;
    const about = JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8"));
    found.set(name, about);
    queue.push(...Object.keys(about.dependencies ?? {}));
  }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The text of a package's licence: its own file, else the part of its README that holds it. */
function licenceOf(name) {
  const folder = join(modules, name);
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying|copyright)[^/]*?(\.txt|\.md)?$/i.test(file));
  const whole = files.filter((file) => statSync(join(folder, file)).isFile()).map((file) => readFileSync(join(folder, file), "utf8").trim());
  if (whole.length) return whole.join("\n\n");
  const readme = readFileSync(join(folder, "README.md"), "utf8");
  const told = /^#+ *licen[cs]e[^]*/im.exec(readme);
  if (!told) throw new Error(`${name} carries no text of its licence`);
  return told[0].trim();
}

const texts = ["Third-party software and data in this folder, with their licences."];
for (const [name, { version, license }] of shippedWith(["maplibre-gl", "htmx.org", "chart.js", "world-atlas"])) {
  texts.push(`${"=".repeat(78)}\n${name} ${version} (${license})\n\n${licenceOf(name)}`);
}
texts.push(`${"=".repeat(78)}\nland-tiles.bin: ${JSON.parse(readFileSync(join(out, "land-tiles.json"), "utf8")).origin}`);
writeFileSync(join(out, "LICENSES.txt"), `${texts.join("\n\n")}\n`);

// Served as they are to browsers that take gzip, that is to all; not compressed anew for every request.
for (const name of readdirSync(out)) {
  if (/\.(mjs|js|css)$/.test(name)) {
    writeFileSync(join(out, `${name}.gz`), gzipSync(readFileSync(join(out, name)), { level: 9 }));
  }
}

const axe = join(modules, "axe-core", "axe.min.js");
if (testsOut && existsSync(axe)) copyFileSync(axe, join(testsOut, "axe.min.js"));
process.stdout.write(`${JSON.stringify({ land })}\n`);
