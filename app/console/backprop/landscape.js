/** The loss around the weights at the end of a training, along the two directions in which it is steepest. */
import { gradientOf, lossOf } from "./network.js";

/**
 * @typedef {import("./network.js").Shape} Shape
 * @typedef {import("./network.js").Sample} Sample
 * @typedef {[x: number, y: number]} Point
 *
 * @typedef {object} Landscape
 * @property {[number, number]} curvatures the largest eigenvalues of the Hessian
 * @property {Point[][]} paths of each learning rate, along both directions
 * @property {[Point, Point]} box lowest and highest of what is shown
 * @property {(x: number, y: number) => number} loss
 */

const STEP = 1e-4; // of a difference of gradients: exact to some eight digits
const ITERATIONS = 300;
const MARGIN = 0.18;

/**
 * @param {Shape} shape
 * @param {Sample[]} samples
 * @param {number[][][]} paths the weights of each learning rate, epoch by epoch
 * @param {number} chosen the one at whose end the landscape is centred
 * @returns {Landscape | null} null if the weights are not finite there
 */
export function survey(shape, samples, paths, chosen) {
  const centre = paths[chosen].at(-1) ?? [];
  if (!centre.every(Number.isFinite) || paths[chosen].some((weights) => weights.includes(/** @type {any} */ (null)))) return null;
  const matrix = hessian(shape, samples, centre);
  const first = steepest(matrix, null);
  const second = steepest(matrix, first.direction);
  const flat = paths.map((path) =>
    path.filter((weights) => weights.every(Number.isFinite)).map((weights) => {
      const away = weights.map((weight, index) => weight - centre[index]);
      return /** @type {Point} */ ([dot(away, first.direction), dot(away, second.direction)]);
    }),
  );
  return {
    curvatures: [first.curvature, second.curvature],
    paths: flat,
    box: frame(flat[chosen]),
    loss: (x, y) => lossOf(shape, centre.map((weight, index) => weight + x * first.direction[index] + y * second.direction[index]), samples),
  };
}

/**
 * @param {Shape} shape
 * @param {Sample[]} samples
 * @param {number[]} centre
 * @returns {number[][]} the second derivatives, by central differences of the exact gradient
 */
function hessian(shape, samples, centre) {
  const moved = (/** @type {number} */ at, /** @type {number} */ by) =>
    gradientOf(shape, centre.map((weight, index) => (index === at ? weight + by : weight)), samples);
  return centre.map((_, at) => {
    const [above, below] = [moved(at, STEP), moved(at, -STEP)];
    return above.map((gradient, index) => (gradient - below[index]) / (2 * STEP));
  });
}

/**
 * The eigenvector of the largest eigenvalue among those at right angles to `other`, by power iteration.
 * @param {number[][]} matrix
 * @param {number[] | null} other
 */
function steepest(matrix, other) {
  const shift = Math.sqrt(matrix.flat().reduce((sum, value) => sum + value * value, 0)); // so that no eigenvalue is negative
  let direction = unit(matrix.map((_, index) => 1 + 0.37 * index), other);
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    direction = unit(matrix.map((row, index) => dot(row, direction) + shift * direction[index]), other);
  }
  const [largest] = [...direction].sort((a, b) => Math.abs(b) - Math.abs(a));
  if (largest < 0) direction = direction.map((value) => -value);
  return { direction, curvature: dot(matrix.map((row) => dot(row, direction)), direction) };
}

/**
 * @param {number[]} vector
 * @param {number[] | null} other
 * @returns {number[]} of length 1, at right angles to `other`
 */
function unit(vector, other) {
  const along = other ? dot(vector, other) : 0;
  const right = vector.map((value, index) => value - along * (other?.[index] ?? 0));
  const length = Math.sqrt(dot(right, right)) || 1;
  return right.map((value) => value / length);
}

/**
 * @param {number[]} first
 * @param {number[]} second
 */
function dot(first, second) {
  return first.reduce((sum, value, index) => sum + value * second[index], 0);
}

/**
 * @param {Point[]} path
 * @returns {[Point, Point]} a box around it and its mirror image: where it starts is as high as what lies opposite
 */
function frame(path) {
  const reach = [0, 1].map((axis) => Math.max(...path.map((point) => Math.abs(point[axis]))));
  const most = Math.max(...reach) || 1;
  const [x, y] = reach.map((size) => (1 + MARGIN) * Math.max(size, most / 4));
  return [[-x, -y], [x, y]];
}
