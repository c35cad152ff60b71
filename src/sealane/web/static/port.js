// Parts of the port page are exchanged one at a time. A link or form with data-only="from to" changes these parameters
// of the page's address and leaves all others as they are now, whatever they were when the part was drawn.

document.body.addEventListener("htmx:configRequest", (event) => {
  const own = event.target.closest("[data-only]")?.dataset.only.split(" ");
  if (!own) return;
  const asked = new URL(event.detail.path, location.href).searchParams;
  for (const [name, value] of Object.entries(event.detail.parameters)) asked.set(name, value);
  const now = new URLSearchParams(location.search);
  for (const name of [...own, "after"]) now.delete(name);
  for (const name of own) if (asked.get(name)) now.set(name, asked.get(name));
  event.detail.path = `${location.pathname}?${now}`;
  event.detail.parameters = {};
});
