// Says beside the button what a partner answered.

import { showProblem } from "./forms.js";

document.addEventListener("sealane:done", (event) => {
  const form = event.target;
  if (form.dataset.outcome !== "partner") return;
  let place = form.querySelector(".outcome");
  if (!place) {
    place = document.createElement("div");
    place.className = "outcome";
    place.setAttribute("role", "status");
    form.append(place);
  }
  const troubles = event.detail?.troubles ?? [];
  place.className = troubles.length ? "outcome problem-words" : "outcome";
  showProblem(place, { detail: troubles.length ? troubles.join(" ") : form.dataset.well, remedy: "" });
});
