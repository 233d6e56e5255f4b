/** Two panels of the loss landscape: from above, and cut along the steepest direction; with the path of each rate. */
import { html, useEffect, useMemo, useRef } from "../view.js";
import { survey } from "./landscape.js";
import { short } from "./numbers.js";

/**
 * @typedef {import("./sweep.js").Sweep} Sweep
 * @typedef {import("./landscape.js").Landscape} Landscape
 * @typedef {import("./landscape.js").Point} Point
 */

const [WIDTH, HEIGHT] = [480, 340];
const [LEFT, RIGHT, TOP, BOTTOM] = [66, 10, 10, 44];
const CELLS = 96; // a side of the map
const BANDS = 14;
const FLOOR = 1e-12; // of a log scale

/** @param {{sweep: Sweep, rate: number, index: number, isLog: boolean}} properties `index` of the epoch among those with weights */
export function Panels({ sweep, rate, index, isLog }) {
  const { network, trials } = sweep;
  const chosen = Math.max(0, trials.findIndex((trial) => trial.learning_rate === rate));
  const land = useMemo(() => survey(network.shape, network.samples, trials.map(({ weights }) => weights), chosen), [sweep, chosen]);
  return html`
    <section class="landscape" aria-labelledby="landscape-title">
      <div class="bar">
        <h2 id="landscape-title">Loss landscape</h2>
        <p class="quiet">around the weights at the end of η ${trials[chosen].learning_rate}, along the two directions in which the loss is steepest there</p>
      </div>
      ${land === null
        ? html`<p class="quiet">There is none: the weights of this learning rate overflowed. Choose another.</p>`
        : html`<div class="panels"><${Above} land=${land} rates=${network.rates} chosen=${chosen} index=${index} /><${Cut} land=${land} sweep=${sweep} chosen=${chosen} index=${index} isLog=${isLog} /></div>`}
    </section>
  `;
}

/** @param {{land: Landscape, rates: number[], chosen: number, index: number}} properties */
function Above({ land, rates, chosen, index }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const [low, high] = land.box;
  useEffect(() => {
    const draw = () => canvas.current && shade(canvas.current, land);
    draw();
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", draw);
    return () => dark.removeEventListener("change", draw);
  }, [land]);
  const x = scale(low[0], high[0], LEFT, WIDTH - RIGHT);
  const y = scale(low[1], high[1], HEIGHT - BOTTOM, TOP);
  return html`
    <figure class="panel">
      <div class="stack">
        <canvas ref=${canvas} width=${CELLS} height=${CELLS} aria-hidden="true"></canvas>
        <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="The landscape from above, with the path of each learning rate from the same start">
          <${Frame} x=${[low[0], high[0]]} y=${[low[1], high[1]]} xLabel="steepest direction" yLabel="second direction" />
          <g clip-path="url(#panel-clip)"><${Paths} paths=${land.paths} x=${x} y=${y} chosen=${chosen} index=${index} /></g>
        </svg>
      </div>
      <figcaption>${["From above: the stronger the colour, the higher the loss.", ...explain(land, rates)].join(" ")}</figcaption>
    </figure>
  `;
}

/**
 * @param {Landscape} land
 * @param {number[]} rates
 * @returns {string[]} sentences about what the picture alone does not say
 */
function explain({ curvatures: [first, second], box: [low, high], paths }, rates) {
  const out = rates.filter((_, trial) => paths[trial].some((point) => point.some((at, axis) => at < low[axis] || at > high[axis])));
  const ratio = high[0] / high[1];
  return [
    first === 0 && second === 0
      ? "The ground is flat, with curvatures of 0: small steps change no loss, as where the sum of every ReLU unit is negative."
      : `The curvatures are ${short(first)} and ${short(second)}.`,
    ...(ratio > 1.5 || ratio < 1 / 1.5 ? ["Each axis has a scale of its own, which stretches the shapes."] : []),
    ...(out.length ? [`Out of the panel ${out.length === 1 ? "leads the path" : "lead the paths"} of η ${out.join(", η ")}.`] : []),
  ];
}

/** @param {{land: Landscape, sweep: Sweep, chosen: number, index: number, isLog: boolean}} properties */
function Cut({ land, sweep, chosen, index, isLog }) {
  const [low, high] = land.box;
  const steps = Array.from({ length: 161 }, (_, step) => low[0] + ((high[0] - low[0]) * step) / 160);
  const valley = useMemo(() => steps.map((at) => land.loss(at, 0)), [land]);
  const height = (/** @type {number} */ loss) => (isLog ? Math.log10(Math.max(loss, FLOOR)) : loss);
  const losses = sweep.trials.map(({ loss }) => sweep.epochs.map((epoch) => loss[Math.min(epoch, loss.length - 1)] ?? Infinity));
  const seen = [...valley, ...losses[chosen]].filter(Number.isFinite).map(height);
  const [bottom, top] = [Math.min(...seen), Math.max(...seen)];
  const [yLow, yHigh] = [isLog ? bottom - 0.2 : 0, top + (top - bottom) * 0.08 + 1e-12];
  const x = scale(low[0], high[0], LEFT, WIDTH - RIGHT);
  const y = scale(yLow, yHigh, HEIGHT - BOTTOM, TOP);
  const line = steps.map((at, step) => `${step ? "L" : "M"}${x(at).toFixed(1)} ${y(height(valley[step])).toFixed(1)}`).join("");
  const paths = land.paths.map((path, trial) => path.map(([along], step) => /** @type {Point} */ ([along, height(losses[trial][step])])));
  const [curvature] = land.curvatures;
  return html`
    <figure class="panel">
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="The loss along the steepest direction, with the path of each learning rate">
        <${Frame} x=${[low[0], high[0]]} y=${[yLow, yHigh]} xLabel="steepest direction" yLabel="loss" powers=${isLog} />
        <g clip-path="url(#panel-clip)">
          <path class="valley" d=${line} />
          <${Paths} paths=${paths} x=${x} y=${y} chosen=${chosen} index=${index} />
        </g>
      </svg>
      <figcaption>
        ${curvature > 0
          ? html`Cut along the steepest direction. Close to the bottom, descent converges below 2 / ${short(curvature)} = <strong data-limit=${2 / curvature}>${short(2 / curvature)}</strong>; farther up the curvature is another.`
          : "Cut along the steepest direction. There is no bottom here: the curvature is not positive."}
      </figcaption>
    </figure>
  `;
}

/** @param {{paths: Point[][], x: (value: number) => number, y: (value: number) => number, chosen: number, index: number}} properties */
function Paths({ paths, x, y, chosen, index }) {
  const order = paths.map((_, trial) => trial).sort((a, b) => Number(a === chosen) - Number(b === chosen)); // the chosen one on top
  return order.map((trial) => {
    const path = paths[trial].filter((point) => point.every(Number.isFinite));
    const at = path[Math.min(index, path.length - 1)];
    const line = path.map(([along, up], step) => `${step ? "L" : "M"}${limit(x(along))} ${limit(y(up))}`).join("");
    return html`
      <g key=${trial} class="path series-${(trial % 6) + 1} ${trial === chosen ? "chosen" : ""}">
        <path d=${line} />
        ${trial === chosen && path[0] && html`<circle class="start" cx=${limit(x(path[0][0]))} cy=${limit(y(path[0][1]))} r="4" />`}
        ${at && html`<circle cx=${limit(x(at[0]))} cy=${limit(y(at[1]))} r=${trial === chosen ? 6 : 4} />`}
      </g>
    `;
  });
}

/** @param {{x: [number, number], y: [number, number], xLabel: string, yLabel: string, powers?: boolean}} properties `powers`: y is an exponent of ten */
function Frame({ x, y, xLabel, yLabel, powers = false }) {
  const [right, bottom] = [WIDTH - RIGHT, HEIGHT - BOTTOM];
  const toY = scale(y[0], y[1], bottom, TOP);
  const ticks = powers ? wholeNumbers(y) : [0, 0.5, 1].map((share) => round(y[0] + share * (y[1] - y[0]), y));
  return html`
    <clipPath id="panel-clip"><rect x=${LEFT} y=${TOP} width=${right - LEFT} height=${bottom - TOP} /></clipPath>
    <rect class="frame" x=${LEFT} y=${TOP} width=${right - LEFT} height=${bottom - TOP} rx="4" />
    ${[0, 0.5, 1].map((share) => html`<text key=${share} x=${LEFT + share * (right - LEFT)} y=${bottom + 17} text-anchor=${["start", "middle", "end"][2 * share]}>${short(round(x[0] + share * (x[1] - x[0]), x))}</text>`)}
    ${ticks.map((tick) => html`<text key=${`y${tick}`} x=${LEFT - 7} y=${Math.min(Math.max(toY(tick) + 4, TOP + 9), bottom)} text-anchor="end">${powers ? `1e${tick}`.replace("-", "−") : short(tick)}</text>`)}
    <text class="axis" x=${(LEFT + right) / 2} y=${bottom + 36} text-anchor="middle">${xLabel}</text>
    <text class="axis" transform="translate(11 ${(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">${yLabel}</text>
  `;
}

/**
 * @param {[number, number]} range
 * @returns {number[]} at most six whole numbers in it, evenly spaced
 */
function wholeNumbers([low, high]) {
  const stride = Math.max(1, Math.ceil((high - low) / 6));
  const first = Math.ceil(low / stride) * stride;
  return Array.from({ length: Math.floor((high - first) / stride) + 1 }, (_, index) => first + index * stride);
}

/**
 * @param {number} value
 * @param {[number, number]} range whose size says how many digits matter
 */
function round(value, [low, high]) {
  const unit = 10 ** (Math.floor(Math.log10(high - low || 1)) - 1);
  return Number((Math.round(value / unit) * unit).toPrecision(6));
}

/**
 * Shades the map in bands of equal ratios of the loss.
 * @param {HTMLCanvasElement} canvas
 * @param {Landscape} land
 */
function shade(canvas, { box: [low, high], loss }) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const at = (/** @type {number} */ axis, /** @type {number} */ cell) => low[axis] + ((high[axis] - low[axis]) * (cell + 0.5)) / CELLS;
  const heights = Array.from({ length: CELLS * CELLS }, (_, cell) => loss(at(0, cell % CELLS), at(1, CELLS - 1 - Math.floor(cell / CELLS))));
  const sorted = [...heights].sort((a, b) => a - b);
  const [least, most] = [Math.max(sorted[Math.floor(sorted.length / 200)], FLOOR), sorted[sorted.length - 1]];
  const span = Math.log(most / least) || 1;
  const color = getComputedStyle(canvas).color;
  context.clearRect(0, 0, CELLS, CELLS);
  context.fillStyle = color;
  heights.forEach((height, cell) => {
    const band = Math.floor((BANDS * Math.log(Math.max(height, least) / least)) / span);
    context.globalAlpha = 0.5 * (Math.min(band, BANDS) / BANDS);
    context.fillRect(cell % CELLS, Math.floor(cell / CELLS), 1, 1);
  });
}

/**
 * @param {number} low
 * @param {number} high
 * @param {number} start
 * @param {number} end
 * @returns {(value: number) => number}
 */
function scale(low, high, start, end) {
  return (value) => start + ((value - low) / (high - low || 1)) * (end - start);
}

/** @param {number} value a coordinate that may lie far outside */
function limit(value) {
  return Math.min(Math.max(value, -5000), 5000).toFixed(1);
}
