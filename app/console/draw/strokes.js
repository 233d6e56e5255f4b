/** Strokes of a pen, in a square of side 1, and how they become ink. */

/**
 * @typedef {[x: number, y: number]} Point
 * @typedef {Point[]} Stroke
 */

const BREADTH = 0.062; // of the square's side; a digit that fills two thirds of it is as bold as MNIST's
export const SENT_SIDE = 280; // pixels of the picture that is sent
const MIN_STEP = 0.003; // nearer points add nothing but work

/**
 * Add a point to the end of a stroke, unless it is where the last one is.
 * @param {Stroke} stroke
 * @param {Point} point
 */
export function extend(stroke, point) {
  const last = stroke.at(-1);
  if (!last || Math.hypot(point[0] - last[0], point[1] - last[1]) >= MIN_STEP) stroke.push(point);
}

/**
 * Draw strokes as smooth curves: each point bends the line between the middles of its neighbours.
 * @param {CanvasRenderingContext2D} context
 * @param {Stroke[]} strokes
 * @param {number} side of the square, in the context's pixels
 * @param {string} color
 */
export function paint(context, strokes, side, color) {
  context.lineWidth = BREADTH * side;
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = color;
  context.stroke(new Path2D(strokes.map((stroke) => toPath(stroke, side)).join("")));
}

/**
 * @param {Stroke} stroke
 * @param {number} side
 * @returns {string} the stroke as the data of an SVG path
 */
export function toPath(stroke, side) {
  const at = (/** @type {number} */ x, /** @type {number} */ y) => `${(x * side).toFixed(2)} ${(y * side).toFixed(2)}`;
  const [first, ...rest] = stroke;
  const bends = rest.slice(0, -1).map(([x, y], index) => {
    const [nextX, nextY] = rest[index + 1];
    const isLast = index === rest.length - 2;
    return `Q${at(x, y)} ${isLast ? at(nextX, nextY) : at((x + nextX) / 2, (y + nextY) / 2)}`;
  });
  const only = rest.length < 2 ? `L${at(...(rest[0] ?? first))}` : ""; // a dot, or a straight line
  return `M${at(...first)}${bends.join("")}${only}`;
}

/**
 * @param {Stroke[]} strokes
 * @returns {Promise<Blob>} a PNG, black on white in any theme
 */
export function toPicture(strokes) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SENT_SIDE;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.fillStyle = "white";
  context.fillRect(0, 0, SENT_SIDE, SENT_SIDE);
  paint(context, strokes, SENT_SIDE, "black");
  return toPng(canvas);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {Promise<Blob>}
 */
export function toPng(canvas) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no PNG"))), "image/png");
  });
}
