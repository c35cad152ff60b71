// A chosen file's text goes into the text field of its form; nothing is sent before the form is.

const LIMIT_BYTES = 1_000_000;

for (const input of document.querySelectorAll("input[type=file][data-fills]")) {
  input.addEventListener("change", async () => {
    const file = input.files[0];
    const field = input.form.elements[input.dataset.fills];
    if (!file || !field) return;
    const fits = file.size <= LIMIT_BYTES;
    input.setCustomValidity(fits ? "" : `${file.size} > ${LIMIT_BYTES} bytes`);
    input.reportValidity();
    if (fits) field.value = await file.text();
  });
}
