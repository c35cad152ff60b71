// Passwords and tokens that are shown once, and the new password that is typed twice.

const place = document.querySelector("[data-secret]");

document.addEventListener("sealane:done", (event) => {
  const text = event.detail?.password ?? event.detail?.token ?? event.detail?.secret;
  if (!place || !text) return;
  const words = document.createElement("p");
  words.textContent = `${event.detail.login ?? event.detail.name}: ${place.dataset.words}`;
  const shown = document.createElement("p");
  const code = document.createElement("code");
  code.textContent = text;
  shown.append(code);
  const buttons = document.createElement("p");
  buttons.className = "actions";
  if (navigator.clipboard) {
    const copy = document.createElement("button");
    copy.textContent = place.dataset.copy;
    copy.addEventListener("click", () => navigator.clipboard.writeText(text));
    buttons.append(copy);
  }
  const done = document.createElement("button");
  done.className = "primary";
  done.textContent = place.dataset.done;
  done.addEventListener("click", () => location.reload());
  buttons.append(done);
  place.replaceChildren(words, shown, buttons);
  place.scrollIntoView({ block: "nearest" });
});

for (const repeat of document.querySelectorAll("[data-repeats]")) {
  const first = repeat.form.elements[repeat.dataset.repeats];
  const compare = () => repeat.setCustomValidity(repeat.value === first.value ? "" : repeat.form.dataset.repeat);
  repeat.addEventListener("input", compare);
  first.addEventListener("input", compare);
}
