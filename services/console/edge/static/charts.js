// Charts of the counted range. Points are bounded by the server; a range without decisions leaves a gap.

const HEIGHT = 190;
const drawn = new Map();
let said = "";

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function times(plot, splits) {
  const isLong = plot.scales.x.max - plot.scales.x.min > 2 * 86400;
  return splits.map((at) => {
    const iso = new Date(at * 1000).toISOString();
    return isLong ? iso.slice(5, 10) : iso.slice(11, 16);
  });
}

function short(_, splits) {
  return splits.map((value) => (value >= 1000 ? `${value / 1000}k` : String(value)));
}

function axes() {
  const line = { stroke: colour("--line"), width: 1 };
  const each = { stroke: colour("--dim"), grid: line, ticks: { show: false }, font: "11px system-ui" };
  return [{ ...each, grid: { show: false }, values: times, size: 28 }, { ...each, size: 46, values: short }];
}

// A minute between two gaps draws no line, so it is drawn as a point.
function alone(plot, number) {
  const values = plot.data[number];
  const isGap = (at) => values[at] === null || values[at] === undefined;
  return [...values.keys()].filter((at) => !isGap(at) && isGap(at - 1) && isGap(at + 1));
}

function series(label, token, isFilled) {
  const stroke = colour(token);
  const points = { show: false, filter: alone, size: 6, fill: stroke };
  return { label, stroke, width: 1.5, points, fill: isFilled ? `${stroke}22` : undefined };
}

function draw(id, lines, data) {
  const place = document.getElementById(id);
  if (place === null) return;
  drawn.get(id)?.destroy();
  place.replaceChildren();
  const options = {
    width: place.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false },
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "UTC"),
    scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
    axes: axes(),
    series: [{}, ...lines],
  };
  drawn.set(id, new uPlot(options, data, place));
}

function drawAll() {
  const holder = document.getElementById("counted");
  if (holder === null || !holder.dataset.history) return;
  said = holder.dataset.history;
  const history = JSON.parse(said);
  const at = history.at_ms.map((ms) => ms / 1000);
  draw("chart-times", [series("p99", "--accent", true), series("p95", "--review", false), series("p50", "--approve", false)],
    [at, history.p99_ms, history.p95_ms, history.p50_ms]);
  draw("chart-rate", [series("per second", "--accent", true)], [at, history.per_s]);
}

function drawIfNew() {
  const holder = document.getElementById("counted");
  if (holder !== null && (holder.dataset.history !== said || document.querySelector(".chart:empty"))) drawAll();
}

document.addEventListener("htmx:after:swap", drawIfNew);
document.body.addEventListener("assay-theme", drawAll);
addEventListener("resize", drawAll);
drawAll();
