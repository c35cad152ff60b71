// Forms that call the interface as scripts do: fields become JSON, problems become words beside the form.
//
//   <form data-api="POST /api/v1/..." data-then="reload">          then: reload, stay, or goto:/path with {field} of the answer
//   <input name="a.b">   nested;  data-type="number|boolean|json|list"   says what the text becomes; an empty text is left out

const token = () => document.querySelector("meta[name=csrf]")?.content ?? "";

function valueOf(field) {
  if (field.type === "checkbox" && !field.dataset.type) return field.checked;
  const text = field.value;
  switch (field.dataset.type) {
    case "number": return text === "" ? undefined : Number(text);
    case "boolean": return text === "true";
    case "json": return text === "" ? undefined : JSON.parse(text);
    case "keep": return text; // an empty text is sent, too: it takes the value away
    case "list": return text.split(/[\n,]/).map((part) => part.trim()).filter(Boolean);
    default: return text === "" ? undefined : text;
  }
}

export function contentOf(form, submitter) {
  const content = {};
  const put = (name, value) => {
    if (value === undefined) return;
    const path = name.split(".");
    let place = content;
    for (const key of path.slice(0, -1)) place = place[key] ??= {};
    const last = path.at(-1);
    if (last.endsWith("[]")) (place[last.slice(0, -2)] ??= []).push(value);
    else place[last] = value;
  };
  for (const field of form.elements) {
    if (!field.name || field.disabled || ["submit", "button", "file"].includes(field.type)) continue;
    if (field.type === "radio" && !field.checked) continue;
    if (field.type === "checkbox" && field.name.endsWith("[]")) { if (field.checked) put(field.name, field.value); continue; }
    put(field.name, valueOf(field));
  }
  if (submitter?.name) put(submitter.name, submitter.value);
  return content;
}

/** Calls the interface; throws the problem document where it refuses. */
export async function call(method, path, content, more = {}) {
  const headers = { Accept: "application/json", "X-CSRF-Token": token(), ...more };
  if (content !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: content === undefined ? undefined : JSON.stringify(content), credentials: "same-origin" });
  const text = await answer.text();
  const body = text && (answer.headers.get("content-type") ?? "").includes("json") ? JSON.parse(text) : null;
  if (!answer.ok) throw body ?? { status: answer.status, detail: lostWords(), remedy: "" };
  return body;
}

/** What is said where no answer came, or none of this node: a browser's own words are in its own language. */
export const lostWords = () => document.getElementById("said")?.dataset.lost ?? "";

export function showProblem(place, problem) {
  place.replaceChildren();
  const english = new Set(problem.english); // what the node could not say in the reader's language
  const isJapanese = document.documentElement.lang === "ja";
  const put = (where, text, name) => {
    if (!text) return;
    const part = document.createElement("span");
    part.textContent = text;
    if (english.has(name)) part.lang = "en";
    where.append(part);
  };
  const head = document.createElement("p");
  put(head, problem.detail ?? lostWords(), "detail");
  if (problem.remedy) head.append(isJapanese ? "" : " ");
  put(head, problem.remedy, "remedy");
  place.append(head);
  if (!problem.faults?.length) return;
  const list = document.createElement("ul");
  for (const [number, fault] of problem.faults.entries()) {
    const item = document.createElement("li");
    if (fault.where) item.append(labelOf(place.closest("form"), fault.where), isJapanese ? "：" : ": ");
    put(item, fault.found, `faults.${number}.found`);
    if (fault.found && fault.remedy) item.append(isJapanese ? "。" : ". ");
    put(item, fault.remedy, `faults.${number}.remedy`);
    list.append(item);
  }
  place.append(list);
}

/** The words that stand beside the field a fault is in; where there is none, the field's name. */
function labelOf(form, where) {
  const name = where.replace(/^body /, "");
  const named = [name, name.replaceAll(" ", ".")];
  const field = [...(form?.elements ?? [])].find((one) => one.labels?.length && (named.includes(one.name) || one.dataset.faults === name));
  const label = field?.labels[0];
  const own = label && [...label.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE || node.nodeName === "SPAN");
  return own?.map((node) => node.textContent).join("").replace(/\s+/g, " ").trim() || where;
}

async function send(form, submitter) {
  const [method, path] = form.dataset.api.split(" ");
  let place = form.querySelector(".problem-words");
  if (!place) {
    place = document.createElement("div");
    place.className = "problem-words";
    place.setAttribute("role", "alert");
    form.append(place);
  }
  place.replaceChildren();
  if (submitter) submitter.disabled = true;
  // The same key is sent again with the same content, so that a lost answer does not do a thing twice.
  const content = contentOf(form, submitter);
  const written = JSON.stringify(content);
  if (form.sent?.written !== written) form.sent = { written, key: crypto.randomUUID?.() ?? String(Math.random()).slice(2) };
  try {
    const answer = await call(method, path, method === "DELETE" && written === "{}" ? undefined : content, { "Idempotency-Key": form.sent.key });
    form.dispatchEvent(new CustomEvent("sealane:done", { bubbles: true, detail: answer }));
    const then = form.dataset.then ?? "reload";
    if (then === "reload") location.reload();
    else if (then.startsWith("goto:")) location.assign(then.slice(5).replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(answer?.[name] ?? "")));
  } catch (problem) {
    showProblem(place, problem);
    place.scrollIntoView({ block: "nearest" });
  } finally {
    if (submitter) submitter.disabled = false;
  }
}

export function startForms(root) {
  for (const form of root.querySelectorAll?.("form[data-api]") ?? []) {
    if (form.dataset.started) continue;
    form.dataset.started = "yes";
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const words = event.submitter?.dataset.confirm ?? form.dataset.confirm;
      if (words && !window.confirm(words)) return;
      send(form, event.submitter);
    });
  }
}
