// Sends files in parts that survive a lost connection, and shows how far checks and long work are.

import { call, lostWords, showProblem } from "./forms.js";
import { Sha256 } from "./sha256.js";

const words = document.getElementById("upload-words")?.dataset ?? {};
const ENDED = new Set(["ready", "applied", "failed", "cancelled", "undone", "done"]);
const TRIES = 8;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const token = () => document.querySelector("meta[name=csrf]")?.content ?? "";

// Which fields belong to the kind that is chosen.
function fit(form) {
  const kind = form.querySelector("[data-kind]")?.value;
  if (!kind) return;
  for (const element of form.querySelectorAll("[data-for]")) {
    const wanted = element.dataset.for.split(" ").includes(kind);
    element.hidden = !wanted;
    for (const field of element.querySelectorAll("input, select, textarea")) field.disabled = !wanted;
  }
}

function askedWith(form) {
  const options = {};
  for (const field of form.elements) {
    if (!field.name?.startsWith("options.") || field.disabled) continue;
    const value = field.type === "checkbox" ? field.checked : field.value.trim();
    if (value === "" || value === false) continue;
    options[field.name.slice(8)] = "upper" in field.dataset ? value.toUpperCase().replaceAll(" ", "") : value;
  }
  const lines = form.elements.columns && !form.elements.columns.disabled ? form.elements.columns.value : "";
  const pairs = lines.split("\n").map((line) => line.split("=").map((part) => part.trim())).filter((pair) => pair.length === 2 && pair[0] && pair[1]);
  if (pairs.length) options.columns = Object.fromEntries(pairs);
  return options;
}

class Sending {
  constructor(form) {
    this.form = form;
    this.part = Number(form.dataset.partBytes);
    this.bar = form.querySelector("[data-sending-bar]");
    this.words = form.querySelector("[data-sending-words]");
    this.box = form.querySelector("[data-sending]");
    this.stopped = false;
  }

  show(text, share) {
    this.box.hidden = false;
    this.words.textContent = share === undefined ? text : `${text} ${Math.floor(share * 100)} %`;
    if (share !== undefined) this.bar.value = share;
  }

  async begin(file) {
    const { form } = this;
    if (form.dataset.resume) {
      if (file.size !== Number(form.dataset.sizeBytes)) throw { detail: words.other, remedy: "" };
      return call("GET", `/api/v1/imports/${form.dataset.resume}`);
    }
    const asked = { kind: form.elements.kind.value, file_name: file.name, size_bytes: file.size, options: askedWith(form) };
    const written = JSON.stringify([asked, file.lastModified]);
    if (form.begun?.written !== written) form.begun = { written, key: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` };
    return call("POST", "/api/v1/imports", asked, { "Idempotency-Key": form.begun.key });
  }

  /** Sends one part; after a failure asks where the upload stands and goes on there. */
  async put(id, file, offset) {
    for (let attempt = 0; ; attempt++) {
      if (this.stopped) return offset;
      try {
        const answer = await fetch(`/api/v1/imports/${id}/content?offset=${offset}`, {
          method: "PUT",
          credentials: "same-origin",
          headers: { Accept: "application/json", "Content-Type": "application/octet-stream", "X-CSRF-Token": token() },
          body: file.slice(offset, offset + this.part),
        });
        const body = await answer.json();
        if (answer.ok) return body.received_bytes;
        if (![409, 429].includes(answer.status) && answer.status < 500) throw Object.assign(body, { final: true });
        if (attempt >= TRIES) throw Object.assign(body, { final: true });
      } catch (problem) {
        if (problem.final || attempt >= TRIES) throw problem.detail ? problem : { detail: lostWords(), remedy: "" };
      }
      this.show(words.again);
      await pause(Math.min(30_000, 500 * 2 ** attempt));
      try {
        const now = await call("GET", `/api/v1/imports/${id}`);
        if (now.state !== "receiving") throw Object.assign({ detail: now.state, remedy: "" }, { final: true });
        offset = now.received_bytes;
        if (offset >= file.size) return offset;
      } catch (problem) {
        if (problem.final) throw problem;
      }
    }
  }

  async run(file) {
    const one = await this.begin(file);
    let offset = one.received_bytes;
    const digest = new Sha256();
    let hashed = 0;
    const hashTo = async (end) => {
      while (hashed < end && !this.stopped) {
        const next = Math.min(end, hashed + this.part);
        digest.update(new Uint8Array(await file.slice(hashed, next).arrayBuffer()));
        hashed = next;
        if (hashed < offset) this.show(words.hashing, hashed / file.size);
      }
    };
    await hashTo(offset);
    while (offset < file.size && !this.stopped) {
      const target = Math.min(file.size, offset + this.part);
      [offset] = await Promise.all([this.put(one.id, file, offset), hashTo(target)]);
      this.show(words.sending, offset / file.size);
    }
    if (this.stopped) return location.assign(`/data/${one.id}`);
    await hashTo(file.size);
    await call("POST", `/api/v1/imports/${one.id}/completion`, { sha256: digest.hex() });
    this.ended = true;
    location.assign(`/data/${one.id}`);
  }
}

for (const form of document.querySelectorAll("form[data-upload]")) {
  const input = form.querySelector("input[type=file]");
  const place = form.querySelector("[data-problem]");
  const drop = form.querySelector("[data-drop]");
  let sending = null;
  form.querySelector("[data-kind]")?.addEventListener("change", () => fit(form));
  fit(form);
  for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length === 1) input.files = event.dataTransfer.files;
  });
  form.querySelector("[data-sending-stop]")?.addEventListener("click", () => { if (sending) sending.stopped = true; });
  window.addEventListener("beforeunload", (event) => { if (sending && !sending.stopped && !sending.ended) event.preventDefault(); });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (sending) return;
    place.replaceChildren();
    const file = input.files[0];
    if (!file || !file.size) return showProblem(place, { detail: words.none });
    if (file.size > Number(form.dataset.limitBytes)) return showProblem(place, { detail: form.dataset.resume ? words.other : words.size });
    const button = event.submitter;
    if (button) button.disabled = true;
    sending = new Sending(form);
    try {
      await sending.run(file);
    } catch (problem) {
      sending.box.hidden = true;
      showProblem(place, problem);
      place.scrollIntoView({ block: "nearest" });
      sending = null;
      if (button) button.disabled = false;
    }
  });
}

// Progress: events of the node; where they cannot be had, the state from time to time.
function follow(element, path) {
  const bar = element.querySelector("[data-follow-bar]");
  const text = element.querySelector("[data-follow-words]");
  const show = (state) => {
    if (ENDED.has(state.state)) {
      source?.close();
      if ("followReload" in element.dataset || document.querySelectorAll("[data-follow], [data-follow-task]").length) location.reload();
      return true;
    }
    const stage = state.waits || state.state === "waiting" ? words.waiting : state.stage && words[`stage${state.stage[0].toUpperCase()}${state.stage.slice(1)}`];
    const [done, total] = state.state === "receiving" ? [state.received_bytes, state.size_bytes] : [state.done, state.total];
    if (total && done !== null && done !== undefined) bar.value = Math.min(1, done / total);
    else bar.removeAttribute("value");
    if (stage) text.textContent = total > 1 ? `${stage} ${Math.floor((100 * done) / total)} %` : stage;
    return false;
  };
  let source = null;
  const poll = async () => {
    for (;;) {
      await pause(3_000);
      try {
        const state = await call("GET", path);
        if (show({ ...state, ...(state.task ?? {}), state: state.state })) return;
      } catch { /* asked again */ }
    }
  };
  if (!window.EventSource) return poll();
  let failures = 0;
  source = new EventSource(`${path}/events`);
  source.addEventListener("state", (event) => { failures = 0; show(JSON.parse(event.data)); });
  source.addEventListener("end", () => source.close());
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED || ++failures > 5) { source.close(); poll(); }
  });
  window.addEventListener("pagehide", () => source.close());
}

for (const element of document.querySelectorAll("[data-follow]")) follow(element, `/api/v1/imports/${element.dataset.follow}`);
for (const element of document.querySelectorAll("[data-follow-task]")) follow(element, `/api/v1/tasks/${element.dataset.followTask}`);
