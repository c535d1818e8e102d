// Keyboard first: / searches, p pauses, g and a letter goes, and the queue is worked without a mouse.

const GO = { o: "/", t: "/tail", c: "/queue", a: "/alerts", l: "/labels" };
const GO_MS = 1000;
let goUntil = 0;
let chosenId = "";
let chosenAt = 0;

function cases() {
  return [...document.querySelectorAll("[data-case]")];
}

function chosen() {
  return document.querySelector("[data-case][data-chosen]");
}

function choose(step) {
  const rows = cases();
  if (!rows.length) return;
  const at = rows.findIndex((row) => row.id === chosenId);
  mark(rows[Math.min(Math.max(at + step, 0), rows.length - 1)]);
  chosen().scrollIntoView({ block: "nearest" });
}

function mark(chosenRow) {
  chosenId = chosenRow.id;
  chosenAt = cases().indexOf(chosenRow);
  for (const row of cases()) row.toggleAttribute("data-chosen", row === chosenRow);
}

// A queue that has come anew keeps the choice; where that case is gone, the next one stands in its place.
function keep() {
  const rows = cases();
  if (!rows.length) return;
  const same = rows.findIndex((row) => row.id === chosenId);
  const at = same < 0 ? Math.min(chosenAt, rows.length - 1) : same;
  mark(rows[at]);
}

function press(key) {
  const button = chosen()?.querySelector(`button[data-key="${key}"]`);
  if (button) button.click();
  return Boolean(button);
}

function onKey(event) {
  const isTyping = event.target.matches("input, textarea, select");
  if (event.key === "Escape" && isTyping) event.target.blur();
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (performance.now() < goUntil && GO[event.key]) {
    location.assign(GO[event.key]);
  } else if (event.key === "/") {
    document.getElementById("search")?.focus();
  } else if (event.key === "p") {
    document.dispatchEvent(new CustomEvent("assay-pause"));
  } else if (event.key === "j" || event.key === "k") {
    choose(event.key === "j" ? 1 : -1);
  } else if (["c", "f", "g"].includes(event.key) && press(event.key)) {
    // the case has taken it
  } else if (event.key === "g") {
    goUntil = performance.now() + GO_MS;
    return;
  } else {
    return;
  }
  goUntil = 0;
  event.preventDefault();
}

document.addEventListener("keydown", onKey);
document.addEventListener("htmx:after:swap", keep);
keep();
