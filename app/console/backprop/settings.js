/** What is set on the page: as the query of its address, and as the spec of a sweep. */
import { plural, sentence } from "../parts/format.js";
import { countParameters } from "./network.js";

/**
 * @typedef {import("./network.js").Shape} Shape
 * @typedef {import("./network.js").Sample} Sample
 *
 * @typedef {object} Network What a sweep trains.
 * @property {Shape} shape
 * @property {Sample[]} samples
 * @property {number} seed 0: the workbook's weights, where they fit
 * @property {number[]} rates
 * @property {number} epochs
 *
 * @typedef {object} Look What of it is looked at.
 * @property {number} rate
 * @property {number} epoch
 * @property {number} step
 * @property {number} sample
 * @property {boolean} isLog
 * @property {boolean} hasGradients whether the links show gradients instead of weights
 *
 * @typedef {{layers?: string, epochs?: string, seed?: string, samples?: string, rates?: string}} Refusals a sentence for each
 *   field that cannot be as it is
 */

export const MAX_RATES = 12;
export const MAX_EPOCHS = 5000;
export const [MIN_RATE, MAX_RATE] = [1e-12, 1e6];
const MAX_UNITS = 8; // of a layer: more would not fit into the graph
const MAX_LAYERS = 5;
const MAX_SAMPLES = 1000;
const MAX_NUMBER = 1e6; // of a sample
export const MAX_SEED = 2 ** 31 - 1;
const MAX_PATH_NUMBERS = 100_000; // of all weights in the result of a sweep
const WORKBOOK_WEIGHTS = [0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55];

/** @type {Network} */
export const WORKBOOK = {
  shape: { layers: [2, 2, 2], activation: "sigmoid", biases: false },
  samples: [{ inputs: [0.05, 0.1], targets: [0.5, 0.5] }],
  seed: 0,
  rates: [0.1, 0.2, 0.5, 0.8, 1, 2],
  epochs: 100,
};

/** @type {Record<string, {network: Network, text: string}>} */
export const PRESETS = {
  Workbook: { network: WORKBOOK, text: "two inputs, two hidden units, two outputs: the example of the textbooks" },
  Overshoot: {
    network: { ...WORKBOOK, rates: [2, 10, 60, 70, 100, 300] },
    text: "the same network beyond its critical learning rate",
  },
  XOR: {
    network: {
      shape: { layers: [2, 2, 1], activation: "tanh", biases: true },
      // not 0, 0 first: at epoch 0 each of its numbers is 0
      samples: [[0, 1], [1, 0], [1, 1], [0, 0]].map(([a, b]) => ({ inputs: [a, b], targets: [a === b ? 0 : 1] })),
      seed: 8,
      rates: [0.1, 0.3, 1, 2],
      epochs: 600,
    },
    text: "what no network without hidden units can learn",
  },
};

/** @type {Look} */
const LOOK = { rate: 0, epoch: 0, step: 0, sample: 0, isLog: true, hasGradients: false };

/**
 * @param {URLSearchParams} query
 * @returns {{network: Network, look: Look}} what is missing or makes no sense is the workbook's
 */
export function readQuery(query) {
  const layers = toNumbers(query.get("layers"), /-/) ?? WORKBOOK.shape.layers;
  const activation = /** @type {Shape["activation"]} */ (["tanh", "relu"].find((name) => name === query.get("activation")) ?? "sigmoid");
  const network = {
    shape: { layers, activation, biases: query.get("biases") === "1" },
    samples: parseSamples((query.get("samples") ?? "").replaceAll(";", "\n")) ?? WORKBOOK.samples,
    seed: toNumber(query.get("seed"), 0),
    rates: toNumbers(query.get("rates"), /,/) ?? WORKBOOK.rates,
    epochs: toNumber(query.get("epochs"), WORKBOOK.epochs),
  };
  const look = {
    rate: toNumber(query.get("rate"), network.rates.at(-1) ?? 1),
    epoch: toNumber(query.get("epoch"), LOOK.epoch),
    step: toNumber(query.get("step"), LOOK.step + 1) - 1,
    sample: toNumber(query.get("sample"), LOOK.sample + 1) - 1,
    isLog: query.get("scale") !== "linear",
    hasGradients: query.get("links") === "gradients",
  };
  return { network, look };
}

/**
 * Whether typed or in an address: what the service would refuse, in the words of the form.
 * @param {Network} network
 * @returns {Refusals}
 */
export function refuse({ shape: { layers, activation }, samples, seed, rates, epochs }) {
  /** @type {Refusals} */
  const refusals = {};
  const isWhole = (/** @type {number} */ value, /** @type {number} */ low, /** @type {number} */ high) => Number.isInteger(value) && value >= low && value <= high;
  const areLayers = layers.length >= 2 && layers.length <= MAX_LAYERS && layers.every((units) => isWhole(units, 1, MAX_UNITS));
  if (!areLayers) refusals.layers = `Layers are 2 to ${MAX_LAYERS} whole numbers up to ${MAX_UNITS}, such as 2-3-1.`;
  if (!isWhole(epochs, 1, MAX_EPOCHS)) refusals.epochs = `Epochs are a whole number from 1 to ${MAX_EPOCHS}.`;
  if (!isWhole(seed, 0, MAX_SEED)) refusals.seed = `The start is a whole number from 0 to ${MAX_SEED}.`;
  const [width, outputs] = [layers[0], layers[layers.length - 1]];
  const lowest = activation === "tanh" ? -1 : 0;
  if (areLayers && (samples.length === 0 || samples.some(({ inputs, targets }) => inputs.length !== width || targets.length !== outputs))) {
    refusals.samples = `Each line of the samples needs ${plural(width, "input")}, a colon and ${plural(outputs, "target")}: the first and the last layer say so.`;
  } else if (activation !== "relu" && samples.some(({ targets }) => targets.some((target) => target < lowest || target > 1))) {
    refusals.samples = `Each target lies between ${lowest} and 1, as the outputs of ${activation} do.`;
  } else if (samples.some(({ inputs, targets }) => [...inputs, ...targets].some((value) => Math.abs(value) > MAX_NUMBER))) {
    refusals.samples = "Each number of a sample lies between -1,000,000 and 1,000,000.";
  } else if (samples.length > MAX_SAMPLES) {
    refusals.samples = `There is room for ${plural(MAX_SAMPLES, "sample")}.`;
  }
  const areRates = rates.length <= MAX_RATES && rates.every((rate) => rate >= MIN_RATE && rate <= MAX_RATE);
  if (!areRates) refusals.rates = `Learning rates are at most ${MAX_RATES} numbers above 0, such as 0.3, and at most a million.`;
  return refusals;
}

/** @type {Record<string, keyof Refusals>} the field of the form for each of the spec that it sets */
const FIELDS = { layers: "layers", weights: "layers", inputs: "samples", targets: "samples", epochs: "epochs", learning_rates: "rates" };

/**
 * @param {import("../api.js").ApiError} error
 * @returns {Refusals} what the service refused of a spec, by the fields of the form
 */
export function placeRefusals({ errors }) {
  /** @type {Refusals} */
  const refusals = {};
  for (const { location, message } of errors) {
    const field = FIELDS[location.split(".")[1]];
    if (field) refusals[field] ??= sentence(message);
  }
  return refusals;
}

/**
 * @param {Network} network
 * @param {Look} look
 * @returns {URLSearchParams} what differs from the workbook
 */
export function toQuery({ shape, samples, seed, rates, epochs }, look) {
  const values = {
    layers: shape.layers.join("-"),
    activation: shape.activation,
    biases: shape.biases ? "1" : "0",
    samples: formatSamples(samples).replaceAll("\n", ";").replaceAll(" ", ""),
    seed: String(seed),
    rates: rates.join(","),
    epochs: String(epochs),
  };
  const usual = {
    layers: "2-2-2", activation: "sigmoid", biases: "0", samples: "0.05,0.1:0.5,0.5", seed: "0", rates: WORKBOOK.rates.join(","),
    epochs: "100", rate: String(rates.at(-1)), epoch: "0", step: "1", sample: "1", scale: "log", links: "weights",
  };
  const looks = {
    rate: String(look.rate),
    epoch: String(look.epoch),
    step: String(look.step + 1),
    sample: String(look.sample + 1),
    scale: look.isLog ? "log" : "linear",
    links: look.hasGradients ? "gradients" : "weights",
  };
  const all = Object.entries({ ...values, ...looks });
  return new URLSearchParams(all.filter(([name, value]) => /** @type {Record<string, string>} */ (usual)[name] !== value));
}

/**
 * @param {Network} network
 * @returns {object} the spec of the sweep that trains it
 */
export function toSpec({ shape, samples, seed, rates, epochs }) {
  const room = Math.floor(MAX_PATH_NUMBERS / (rates.length * Math.max(1, countParameters(shape))));
  return {
    kind: "backprop_sweep",
    tags: ["console"],
    layers: shape.layers,
    activation: shape.activation,
    biases: shape.biases,
    inputs: samples.map(({ inputs }) => inputs),
    targets: samples.map(({ targets }) => targets),
    weights: drawWeights(shape, seed),
    learning_rates: rates,
    epochs,
    max_points: Math.max(10, epochs + 1),
    weight_points: Math.max(2, Math.min(1001, epochs + 1, room)),
  };
}

/**
 * @param {Shape} shape
 * @param {number} seed
 * @returns {number[][][] | number[]} a matrix per layer; the workbook's where they fit and no others are wanted
 */
function drawWeights({ layers, biases }, seed) {
  if (seed === 0 && layers.join() === "2,2,2") {
    const [w1, w2, w3, w4, w5, w6, w7, w8] = WORKBOOK_WEIGHTS;
    return biases ? [[[w1, w2], [w3, w4]], [[w5, w6], [w7, w8]]] : WORKBOOK_WEIGHTS;
  }
  const random = randomNumbers(seed);
  return layers.slice(1).map((units, layer) => {
    const bound = Math.sqrt(6 / (units + layers[layer])); // Glorot and Bengio, 2010
    const draw = () => Number(((2 * random() - 1) * bound).toFixed(4));
    return Array.from({ length: units }, () => Array.from({ length: layers[layer] }, draw));
  });
}

/**
 * @param {number} seed
 * @returns {() => number} numbers from 0 to 1 (mulberry32)
 */
function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * @param {string} text a line per sample: inputs, a colon or an arrow, targets
 * @returns {Sample[] | null} null if it cannot be read
 */
export function parseSamples(text) {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const samples = lines.map((line) => {
    const [inputs, targets, ...more] = line.split(/:|->|→/).map((part) => toNumbers(part, /[,\s]+/));
    return inputs && targets && more.length === 0 ? { inputs, targets } : null;
  });
  return samples.length > 0 && samples.every((sample) => sample !== null) ? samples : null;
}

/** @param {Sample[]} samples */
export function formatSamples(samples) {
  return samples.map(({ inputs, targets }) => `${inputs.join(", ")} : ${targets.join(", ")}`).join("\n");
}

/**
 * @param {string | null} text
 * @param {RegExp} between
 * @returns {number[] | null} null if there is none, or something else
 */
export function toNumbers(text, between) {
  const parts = (text ?? "").trim().split(between).filter((part) => part.trim() !== "");
  const numbers = parts.map(Number);
  return numbers.length > 0 && numbers.every(Number.isFinite) ? numbers : null;
}

/**
 * @param {string | null} text
 * @param {number} otherwise
 */
function toNumber(text, otherwise) {
  return text === null || text.trim() === "" || !Number.isFinite(Number(text)) ? otherwise : Number(text);
}
