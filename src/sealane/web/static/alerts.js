// A test message says beside its button what came of it.

import { showProblem } from "./forms.js";

document.addEventListener("sealane:done", (event) => {
  const form = event.target;
  if (!form.dataset.tested) return;
  let place = form.querySelector(".outcome");
  if (!place) {
    place = document.createElement("div");
    place.className = "outcome";
    place.setAttribute("role", "status");
    form.append(place);
  }
  const failed = event.detail?.error;
  place.className = failed ? "outcome problem-words" : "outcome";
  showProblem(place, { detail: failed ? form.dataset.failed : form.dataset.tested, remedy: failed ?? "" });
});
