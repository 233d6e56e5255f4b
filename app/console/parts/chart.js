/** A chart of lines over whole numbers. uPlot draws it, and is loaded with the first chart. */
import { loadStyle } from "../style.js";
import { html, useEffect, useRef } from "../view.js";
import { short } from "./format.js";

/**
 * @typedef {object} Line
 * @property {string} label
 * @property {(number | null)[]} values
 * @property {string} colour a CSS variable
 * @property {boolean} [isDashed]
 *
 * @typedef {object} Properties
 * @property {string} title
 * @property {number[]} steps along the x axis
 * @property {Line[]} lines
 * @property {string} [unit] of the x axis
 * @property {number} [until] the end of the x axis, where more is to come
 * @property {(value: number, decimals?: number) => string} [format]
 */

export const COLOURS = ["--series-1", "--series-2", "--series-3", "--series-4", "--series-5", "--series-6"];

const HEIGHT = 220;
const RETRY = 2_000; // milliseconds

/** @param {Properties} properties */
export function Chart({ title, steps, lines, unit = "Epoch", until = 0, format = short }) {
  const place = useRef(/** @type {HTMLDivElement | null} */ (null));
  const plot = useRef(/** @type {import("../vendor/uplot/uplot.js").default | null} */ (null));
  const data = useRef(/** @type {any} */ ([]));
  data.current = [steps, ...lines.map((line) => line.values)];
  const kind = JSON.stringify(lines.map(({ label, colour, isDashed }) => [label, colour, isDashed]));

  useEffect(() => {
    const box = place.current;
    if (!box) return;
    let isGone = false;
    const colours = matchMedia("(prefers-color-scheme: dark)");
    const redraw = () => plot.current?.redraw(false);
    const resize = new ResizeObserver(() => plot.current?.setSize({ width: box.clientWidth, height: HEIGHT }));
    const start = async () => {
      const UPlot = await load().catch(() => null);
      if (isGone) return;
      if (!UPlot) return void setTimeout(start, RETRY); // the connection was lost meanwhile
      plot.current = new UPlot(describe(lines, unit, until, format, box), data.current, box);
      showLast(plot.current);
      resize.observe(box);
      colours.addEventListener("change", redraw);
    };
    start();
    return () => {
      isGone = true;
      resize.disconnect();
      colours.removeEventListener("change", redraw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [kind]);
  useEffect(() => {
    plot.current?.setData(data.current);
    if (plot.current) showLast(plot.current);
  }, [JSON.stringify(data.current)]);

  const said = lines.map(({ label, values }) => `${label} ${format(values.findLast((value) => value != null) ?? NaN)}`).join(", ");
  return html`
    <figure class="chart">
      <figcaption>${title}</figcaption>
      <div ref=${place} role="img" aria-label="${title} by ${unit.toLowerCase()}; at the end: ${said}" style=${{ minHeight: `${HEIGHT + 40}px` }}></div>
    </figure>
  `;
}

/**
 * The legend has the numbers under the cursor; without one, the last.
 * @param {import("../vendor/uplot/uplot.js").default} plot
 */
function showLast(plot) {
  if (plot.cursor.idx == null) plot.setLegend({ idx: plot.data[0].length - 1 }, false);
}

async function load() {
  await loadStyle("console/vendor/uplot/uplot.css");
  return (await import("../vendor/uplot/uplot.js")).default;
}

/**
 * @param {Line[]} lines
 * @param {string} unit
 * @param {number} until
 * @param {(value: number, decimals?: number) => string} format
 * @param {HTMLElement} box
 * @returns {import("../vendor/uplot/uplot.js").default.Options}
 */
function describe(lines, unit, until, format, box) {
  /** @param {string} name */
  const colour = (name) => () => getComputedStyle(box).getPropertyValue(name);
  const font = `12px ${getComputedStyle(box).fontFamily}`;
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font };
  return {
    width: box.clientWidth,
    height: HEIGHT,
    cursor: { y: false, drag: { setScale: false } },
    scales: { x: { time: false, range: (_, low, high) => [low, Math.max(high, until, low + 1)] } },
    legend: { markers: { width: 0, fill: (_, place) => (place ? colour(lines[place - 1].colour)() : "transparent") } },
    hooks: { setCursor: [showLast] },
    axes: [
      { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100], size: 32 },
      { ...axis, size: 64, values: (_, values, _axis, _space, step) => values.map((value) => format(value, step < 0.01 ? 2 : 0)) },
    ],
    series: [
      { label: unit },
      ...lines.map((line) => ({
        label: line.label,
        stroke: colour(line.colour),
        width: 2,
        dash: line.isDashed ? [6, 4] : undefined,
        points: { size: 5, fill: colour(line.colour) },
        value: (/** @type {unknown} */ _, /** @type {number | null} */ value) => (value == null ? "–" : format(value)),
      })),
    ],
  };
}
