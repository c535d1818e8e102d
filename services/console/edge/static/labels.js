// A chosen file becomes the text of the form, so that it is seen before it is sent.

const file = document.getElementById("file");
const rows = document.getElementById("rows");

async function show() {
  file.setCustomValidity("");
  if (!file.files.length) return;
  try {
    rows.value = new TextDecoder("utf-8", { fatal: true }).decode(await file.files[0].arrayBuffer());
  } catch {
    file.setCustomValidity("The file is not UTF-8.");
    file.reportValidity();
  }
}

file?.addEventListener("change", show);
