/** A fully connected network: its outputs, its error and the gradients, as the service computes them. */

/**
 * @typedef {"sigmoid" | "tanh" | "relu"} Activation of every layer but the inputs
 * @typedef {{layers: number[], activation: Activation, biases: boolean}} Shape
 * @typedef {{inputs: number[], targets: number[]}} Sample
 * @typedef {number[]} Parameters layer by layer: the weights (units x inputs) row by row, then the biases
 * @typedef {{sums: number[][], activations: number[][]}} Pass by layer; the activations of layer 0 are the inputs
 * @typedef {{sums: number[][], activations: number[][], parameters: number[]}} Gradients of one sample's error
 */

/** @type {Record<Activation, {of: (sum: number) => number, slope: (activation: number, sum: number) => number}>} */
const ACTIVATIONS = {
  sigmoid: { of: (sum) => 1 / (1 + Math.exp(-sum)), slope: (a) => a * (1 - a) },
  tanh: { of: Math.tanh, slope: (a) => 1 - a * a },
  relu: { of: (sum) => Math.max(sum, 0), slope: (_, sum) => (sum > 0 ? 1 : 0) },
};

/** @param {Shape} shape */
export function countParameters({ layers, biases }) {
  return layers.slice(1).reduce((count, units, layer) => count + units * (layers[layer] + Number(biases)), 0);
}

/**
 * @param {Shape} shape
 * @param {number} layer from 1
 * @returns {{weight: (unit: number, input: number) => number, bias: (unit: number) => number}} where they stand among the parameters
 */
export function places({ layers, biases }, layer) {
  const start = countParameters({ layers: layers.slice(0, layer), biases, activation: "sigmoid" });
  const width = layers[layer - 1];
  return { weight: (unit, input) => start + unit * width + input, bias: (unit) => start + layers[layer] * width + unit };
}

/**
 * @param {Shape} shape
 * @param {Parameters} parameters
 * @param {number[]} inputs
 * @returns {Pass}
 */
export function forward(shape, parameters, inputs) {
  /** @type {Pass} */
  const pass = { sums: [[]], activations: [inputs] };
  for (let layer = 1; layer < shape.layers.length; layer++) {
    const { weight, bias } = places(shape, layer);
    const before = pass.activations[layer - 1];
    const sums = Array.from({ length: shape.layers[layer] }, (_, unit) =>
      before.reduce((sum, value, input) => sum + parameters[weight(unit, input)] * value, shape.biases ? parameters[bias(unit)] : 0),
    );
    pass.sums.push(sums);
    pass.activations.push(sums.map(ACTIVATIONS[shape.activation].of));
  }
  return pass;
}

/**
 * @param {Shape} shape
 * @param {Parameters} parameters
 * @param {Pass} pass
 * @param {number[]} targets
 * @returns {Gradients} by the chain rule, from the outputs back
 */
export function backward(shape, parameters, pass, targets) {
  const last = shape.layers.length - 1;
  /** @type {Gradients} */
  const gradients = { sums: [], activations: [], parameters: new Array(parameters.length).fill(0) };
  gradients.activations[last] = pass.activations[last].map((output, unit) => output - targets[unit]);
  for (let layer = last; layer > 0; layer--) {
    const { weight, bias } = places(shape, layer);
    const before = pass.activations[layer - 1];
    const sums = gradients.activations[layer].map(
      (gradient, unit) => gradient * slope(shape, pass, layer, unit),
    );
    gradients.sums[layer] = sums;
    sums.forEach((gradient, unit) => {
      before.forEach((value, input) => (gradients.parameters[weight(unit, input)] = gradient * value));
      if (shape.biases) gradients.parameters[bias(unit)] = gradient;
    });
    gradients.activations[layer - 1] = before.map((_, input) =>
      sums.reduce((sum, gradient, unit) => sum + gradient * parameters[weight(unit, input)], 0),
    );
  }
  return gradients;
}

/**
 * @param {Shape} shape
 * @param {Pass} pass
 * @param {number} layer
 * @param {number} unit
 * @returns {number} the derivative of a unit's activation by its sum
 */
export function slope(shape, pass, layer, unit) {
  return ACTIVATIONS[shape.activation].slope(pass.activations[layer][unit], pass.sums[layer][unit]);
}

/**
 * @param {number[]} outputs
 * @param {number[]} targets
 * @returns {number} half the sum of the squared errors
 */
export function errorOf(outputs, targets) {
  return outputs.reduce((sum, output, unit) => sum + (targets[unit] - output) ** 2 / 2, 0);
}

/**
 * @param {Shape} shape
 * @param {Parameters} parameters
 * @param {Sample[]} samples
 * @returns {number} the mean error
 */
export function lossOf(shape, parameters, samples) {
  const errors = samples.map(({ inputs, targets }) => errorOf(forward(shape, parameters, inputs).activations.at(-1) ?? [], targets));
  return errors.reduce((sum, error) => sum + error, 0) / samples.length;
}

/**
 * @param {Shape} shape
 * @param {Parameters} parameters
 * @param {Sample[]} samples
 * @returns {number[]} the gradient of the mean error
 */
export function gradientOf(shape, parameters, samples) {
  const mean = new Array(parameters.length).fill(0);
  for (const { inputs, targets } of samples) {
    const gradients = backward(shape, parameters, forward(shape, parameters, inputs), targets);
    gradients.parameters.forEach((gradient, index) => (mean[index] += gradient / samples.length));
  }
  return mean;
}
