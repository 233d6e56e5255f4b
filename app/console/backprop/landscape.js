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
const SWEEPS = 10; // over all pairs; Jacobi's method converges quadratically
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
  const [first, second = { curvature: 0, direction: [0] }] = eigen(hessian(shape, samples, centre)); // one weight has one direction
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
 * Jacobi's method: each rotation makes one element off the diagonal zero.
 * @param {number[][]} symmetric
 * @returns {{curvature: number, direction: number[]}[]} eigenvalues and eigenvectors, the largest first
 */
function eigen(symmetric) {
  const size = symmetric.length;
  const matrix = symmetric.map((row, i) => row.map((value, j) => (value + symmetric[j][i]) / 2));
  const vectors = matrix.map((row, i) => row.map((_, j) => Number(i === j))); // a row each
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        if (matrix[p][q] === 0) continue;
        const angle = Math.atan2(2 * matrix[p][q], matrix[q][q] - matrix[p][p]) / 2;
        const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
        rotate(matrix, p, q, cosine, sine);
        for (const row of matrix) [row[p], row[q]] = [cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]];
        rotate(vectors, p, q, cosine, sine);
      }
    }
  }
  const pairs = vectors.map((direction, index) => ({ curvature: matrix[index][index], direction: towards(direction) }));
  return pairs.sort((first, second) => second.curvature - first.curvature);
}

/**
 * @param {number[][]} rows
 * @param {number} p
 * @param {number} q
 * @param {number} cosine
 * @param {number} sine
 */
function rotate(rows, p, q, cosine, sine) {
  const [first, second] = [rows[p], rows[q]];
  rows[p] = first.map((value, index) => cosine * value - sine * second[index]);
  rows[q] = first.map((value, index) => sine * value + cosine * second[index]);
}

/**
 * @param {number[]} direction
 * @returns {number[]} the same line, with its largest component positive
 */
function towards(direction) {
  const largest = direction.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
  return largest < 0 ? direction.map((value) => -value) : direction;
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
