// One stream of pulses per page: the badge, the counts and the troubles; pieces of pages follow each pulse.

const SLOW_MS = 5000;
const badge = document.getElementById("badge");
const text = document.getElementById("badge-text");
let source = null;
let lastAt = 0;
let isPaused = false;
// Its first pulse is as old as the page. The server's clock is not ours, so ages are counted here.
let heardAgeMs = null;

function togglePause() {
  isPaused = !isPaused;
  tellAge();
}

function connect() {
  if (source !== null) return;
  source = new EventSource("/api/v1/stream");
  source.addEventListener("pulse", (event) => take(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    // A refusal closes it for good: the session may be over, and the next page says so.
    if (source !== null && source.readyState === EventSource.CLOSED) {
      disconnect();
      setTimeout(connect, SLOW_MS);
    }
    tellAge();
  });
}

function disconnect() {
  if (source !== null) source.close();
  source = null;
}

function take(pulse) {
  lastAt = performance.now();
  heardAgeMs = pulse.heard_at_ms === null ? null : pulse.at_ms - pulse.heard_at_ms;
  show(pulse);
  tellAge();
  if (!isPaused) document.body.dispatchEvent(new CustomEvent("assay-pulse"));
}

function show(pulse) {
  for (const place of document.querySelectorAll("[data-live]")) {
    const value = pulse[place.dataset.live];
    if (place.dataset.live === "release_seq") {
      place.textContent = `#${value}`;
    } else {
      place.textContent = String(value);
      place.hidden = !value;
    }
  }
  showTroubles(pulse.troubles);
}

function showTroubles(troubles) {
  const place = document.getElementById("troubles");
  const said = JSON.stringify(troubles);
  if (place === null || place.dataset.said === said) return;
  place.dataset.said = said;
  place.replaceChildren(...troubles.map(troubleLine));
}

function troubleLine(trouble) {
  const line = document.createElement("p");
  line.className = "trouble";
  for (const [tag, words] of [["b", trouble.part], ["span", trouble.words], ["code", trouble.command]]) {
    const part = document.createElement(tag);
    part.textContent = words;
    line.append(part, " ");
  }
  return line;
}

function tellAge() {
  if (badge === null) return;
  const streamMs = lastAt ? performance.now() - lastAt : null;
  const state = isPaused ? "paused" : stateOf(streamMs);
  badge.dataset.state = state;
  badge.setAttribute("aria-pressed", String(isPaused));
  text.textContent = { paused: "paused", disconnected: "disconnected", connecting: "connecting" }[state] ?? ago(streamMs);
}

function stateOf(streamMs) {
  if (streamMs === null) return "connecting";
  if (source === null || streamMs > SLOW_MS) return "disconnected";
  return heardAgeMs === null || heardAgeMs > SLOW_MS ? "stale" : "live";
}

function ago(streamMs) {
  const seconds = Math.max(0, Math.round((streamMs + (heardAgeMs ?? 0)) / 1000));
  return heardAgeMs === null ? "waits for Kafka" : `updated ${seconds} s ago`;
}

function copy(event) {
  const button = event.target.closest("[data-copy]");
  if (button === null) return;
  navigator.clipboard.writeText(button.dataset.copy).then(
    () => { button.textContent = "copied"; },
    () => { button.textContent = button.dataset.copy; },
  );
}

function switchTheme() {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  localStorage.setItem("assay-theme", root.dataset.theme);
  document.body.dispatchEvent(new CustomEvent("assay-theme"));
}

document.addEventListener("htmx:config:request", (event) => {
  const token = document.querySelector('meta[name="csrf"]');
  if (token !== null) event.detail.ctx.request.headers["X-CSRF-Token"] = token.content;
});
document.addEventListener("click", copy);
document.addEventListener("assay-pause", togglePause);
document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
badge?.addEventListener("click", togglePause);
document.getElementById("theme")?.addEventListener("click", switchTheme);
setInterval(tellAge, 500);
connect();
