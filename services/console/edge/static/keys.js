// Keyboard first: / searches, p pauses, g and a letter goes, and the queue is worked without a mouse.

import { togglePause } from "./live.js";

const GO = { o: "/", t: "/tail", c: "/queue", a: "/alerts" };
const GO_MS = 1000;
let goUntil = 0;

function cases() {
  return [...document.querySelectorAll("[data-case]")];
}

function chosen() {
  return document.querySelector("[data-case][aria-selected=true]");
}

function choose(step) {
  const rows = cases();
  if (!rows.length) return;
  const at = rows.indexOf(chosen());
  const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
  for (const row of rows) row.setAttribute("aria-selected", String(row === next));
  next.scrollIntoView({ block: "nearest" });
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
    togglePause();
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
choose(0);
