/** The loss of each learning rate over the epochs, with a marker at the epoch that is shown. */
import { loadStyle } from "../style.js";
import uPlot from "../vendor/uplot/uplot.js";
import { html, useEffect, useRef } from "../view.js";
import { digits } from "./numbers.js";

await loadStyle("console/vendor/uplot/uplot.css");

/** @typedef {import("./sweep.js").Trial} Trial */

const HEIGHT = 300;
const FLOOR = 1e-18; // of a log scale: smaller losses are rounding errors

/**
 * @param {object} properties
 * @param {Trial[]} properties.trials
 * @param {number} properties.rate that is looked at
 * @param {number} properties.epoch
 * @param {boolean} properties.isLog
 * @param {(epoch: number | null) => void} properties.onPoint the epoch under the pointer
 * @param {(epoch: number) => void} properties.onEpoch that was clicked
 */
export function Curves({ trials, rate, epoch, isLog, onPoint, onEpoch }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const chart = useRef(/** @type {uPlot | null} */ (null));
  const marker = useRef(epoch);
  const chosen = trials.findIndex((trial) => trial.learning_rate === rate);

  useEffect(() => {
    const parent = place.current;
    if (!parent) return;
    const draw = () => {
      chart.current?.destroy();
      chart.current = new uPlot(options(parent, trials, chosen, isLog, marker, onPoint), toData(trials, isLog), parent);
      chart.current.over.addEventListener("click", () => {
        const under = chart.current?.cursor.idx;
        if (typeof under === "number") onEpoch(under);
      });
    };
    draw();
    const sizes = new ResizeObserver(() => chart.current?.setSize({ width: parent.clientWidth, height: HEIGHT }));
    const dark = matchMedia("(prefers-color-scheme: dark)");
    sizes.observe(parent);
    dark.addEventListener("change", draw);
    return () => {
      sizes.disconnect();
      dark.removeEventListener("change", draw);
      chart.current?.destroy();
      chart.current = null;
    };
  }, [trials, chosen, isLog]);

  useEffect(() => {
    marker.current = epoch;
    chart.current?.redraw(false);
  }, [epoch]);

  const ends = trials.map((trial) => `${trial.learning_rate}: ${digits(trial.loss.at(-1) ?? null, 3)}`).join(", ");
  return html`<div class="chart" ref=${place} role="img" aria-label="Loss over the epochs. At the end, by learning rate: ${ends}"></div>`;
}

/**
 * @param {Trial[]} trials
 * @param {boolean} isLog
 * @returns {uPlot.AlignedData}
 */
function toData(trials, isLog) {
  const epochs = Array.from({ length: Math.max(...trials.map(({ loss }) => loss.length)) }, (_, epoch) => epoch);
  const lift = (/** @type {number | null} */ loss) => (loss === null ? null : isLog ? Math.max(loss, FLOOR) : loss);
  return [epochs, ...trials.map(({ loss }) => loss.map(lift))];
}

/**
 * @param {HTMLElement} parent
 * @param {Trial[]} trials
 * @param {number} chosen
 * @param {boolean} isLog
 * @param {{current: number}} marker
 * @param {(epoch: number | null) => void} onPoint
 * @returns {uPlot.Options}
 */
function options(parent, trials, chosen, isLog, marker, onPoint) {
  const style = getComputedStyle(parent);
  const color = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: color("--quiet"),
    font: `12px ${color("--font")}`,
    grid: { stroke: color("--line"), width: 1 },
    ticks: { show: false },
  };
  const filter = (/** @type {uPlot} */ _, /** @type {number[]} */ ticks) => (isLog ? onlyPowers(ticks) : ticks);
  return {
    width: parent.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false, points: { size: 7 } },
    scales: { x: { time: false }, y: isLog ? { distr: 3 } : { range: (_, _low, high) => [0, high * 1.05 || 1] } },
    axes: [
      { ...axis, label: "epoch", labelSize: 20, labelFont: axis.font, labelGap: -4, size: 32 },
      { ...axis, size: 56, filter, grid: { ...axis.grid, filter }, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : toPower(tick, isLog))) },
    ],
    series: [
      {},
      ...trials.map((_, index) => ({
        stroke: color(`--series-${(index % 6) + 1}`),
        width: index === chosen ? 3 : 1.5,
        dash: index >= 6 ? [6, 3] : undefined,
        points: { show: false },
      })),
    ],
    hooks: {
      draw: [(plot) => mark(plot, trials, marker.current, chosen, color)],
      setCursor: [(plot) => onPoint(plot.cursor.idx ?? null)],
    },
  };
}

/**
 * @param {uPlot} plot
 * @param {Trial[]} trials
 * @param {number} epoch
 * @param {number} chosen
 * @param {(name: string) => string} color
 */
function mark(plot, trials, epoch, chosen, color) {
  const { ctx: context, bbox } = plot;
  const x = plot.valToPos(epoch, "x", true);
  const unit = devicePixelRatio;
  context.save();
  context.strokeStyle = color("--quiet");
  context.lineWidth = unit;
  context.setLineDash([4 * unit, 3 * unit]);
  context.beginPath();
  context.moveTo(x, bbox.top);
  context.lineTo(x, bbox.top + bbox.height);
  context.stroke();
  trials.forEach((_, index) => {
    const loss = plot.data[index + 1][epoch];
    if (typeof loss !== "number") return;
    context.beginPath();
    context.arc(x, plot.valToPos(loss, "y", true), (index === chosen ? 6 : 4) * unit, 0, 2 * Math.PI);
    context.setLineDash([]);
    context.fillStyle = color(`--series-${(index % 6) + 1}`);
    context.strokeStyle = color("--surface");
    context.lineWidth = 2 * unit;
    context.fill();
    context.stroke();
  });
  context.restore();
}

/**
 * @param {number[]} ticks of a log scale
 * @returns {(number | null)[]} those that are powers of ten, if there are some
 */
function onlyPowers(ticks) {
  const powers = ticks.map((tick) => (Math.abs(Math.log10(tick) - Math.round(Math.log10(tick))) < 1e-6 ? tick : null));
  return powers.filter((tick) => tick !== null).length > 1 ? powers : ticks;
}

/**
 * @param {number} tick
 * @param {boolean} isLog
 */
function toPower(tick, isLog) {
  if (!isLog || (tick >= 0.01 && tick <= 1000)) return String(Number(tick.toPrecision(3)));
  const exponent = Math.log10(tick);
  return Math.abs(exponent - Math.round(exponent)) < 1e-6 ? `1e${Math.round(exponent)}`.replace("-", "−") : String(Number(tick.toPrecision(2)));
}
