/** One step of gradient descent, derived line by line, with the numbers put in. */
import { activationName, derivative, numbered, parameterNames, sumName } from "./names.js";
import { places, slope } from "./network.js";
import { asFactor, toLatex } from "./numbers.js";

/**
 * @typedef {import("./network.js").Shape} Shape
 * @typedef {import("./names.js").Name} Name
 *
 * @typedef {object} Step
 * @property {"Forward" | "Error" | "Backward" | "Update"} section
 * @property {string} symbol
 * @property {string} latex the formula
 * @property {string} numbers the formula with the numbers put in
 * @property {number} value
 * @property {string[]} units that it is about: "layer.unit"
 * @property {number[]} parameters that it is about
 *
 * @typedef {object} Moment A network at an epoch, and one sample.
 * @property {Shape} shape
 * @property {number[]} parameters
 * @property {number[]} targets
 * @property {import("./network.js").Pass} pass
 * @property {import("./network.js").Gradients} gradients of this sample
 * @property {number[]} meanGradient over all samples
 * @property {number} samples
 * @property {number} rate
 */

const E = { text: "E", latex: "E" };

/** @type {Record<string, {of: (sum: string) => string, slope: (activation: string, sum: string) => string}>} */
const FORMULAS = {
  sigmoid: { of: (sum) => String.raw`\frac{1}{1 + e^{-${sum}}}`, slope: (a) => String.raw`${a} \, (1 - ${a})` },
  tanh: { of: (sum) => String.raw`\tanh ${sum}`, slope: (a) => `(1 - ${a}^2)` },
  relu: { of: (sum) => String.raw`\max(0, ${sum})`, slope: (_, sum) => String.raw`[\,${sum} > 0\,]` },
};

/**
 * @param {Moment} moment
 * @returns {Step[]} in reading order
 */
export function derive(moment) {
  const layers = moment.shape.layers.map((_, layer) => layer).slice(1);
  return [
    ...layers.flatMap((layer) => forwardSteps(moment, layer)),
    ...errorSteps(moment),
    ...layers.reverse().flatMap((layer) => backwardSteps(moment, layer)),
    ...updateSteps(moment),
  ];
}

/**
 * @param {Moment} moment
 * @param {number} layer
 * @returns {Step[]}
 */
function forwardSteps({ shape, parameters, pass }, layer) {
  const { weight, bias } = places(shape, layer);
  const names = parameterNames(shape);
  return pass.sums[layer].flatMap((sum, unit) => {
    const [sumSymbol, activation] = [sumName(shape, layer, unit), activationName(shape, layer, unit)];
    const inputs = pass.activations[layer - 1];
    const used = [...inputs.map((_, input) => weight(unit, input)), ...(shape.biases ? [bias(unit)] : [])];
    const terms = inputs.map((_, input) => String.raw`${names[weight(unit, input)].latex} \, ${activationName(shape, layer - 1, input).latex}`);
    const numbers = inputs.map((value, input) => times(parameters[weight(unit, input)], value));
    if (shape.biases) {
      terms.push(names[bias(unit)].latex);
      numbers.push(asFactor(parameters[bias(unit)]));
    }
    const units = [`${layer}.${unit}`];
    const from = inputs.map((_, input) => `${layer - 1}.${input}`);
    const [formula, value] = [FORMULAS[shape.activation], pass.activations[layer][unit]];
    return [
      step("Forward", sumSymbol, terms.join(" + "), numbers.join(" + "), sum, [...units, ...from], used),
      step("Forward", activation, formula.of(sumSymbol.latex), formula.of(asFactor(sum)), value, units, []),
    ];
  });
}

/**
 * @param {Moment} moment
 * @returns {Step[]}
 */
function errorSteps({ shape, pass, targets }) {
  const last = shape.layers.length - 1;
  const outputs = pass.activations[last];
  const half = String.raw`\tfrac{1}{2}`;
  const parts = outputs.map((output, unit) => (targets[unit] - output) ** 2 / 2);
  const steps = outputs.map((output, unit) =>
    step(
      "Error",
      outputs.length === 1 ? E : numbered("E", unit + 1),
      `${half} (${numbered("t", unit + 1).latex} - ${activationName(shape, last, unit).latex})^2`,
      `${half} (${toLatex(targets[unit])} - ${asFactor(output)})^2`,
      parts[unit],
      [`${last}.${unit}`],
      [],
    ),
  );
  if (outputs.length === 1) return steps;
  const sum = outputs.map((_, unit) => numbered("E", unit + 1).latex).join(" + ");
  const total = parts.reduce((so_far, part) => so_far + part, 0);
  return [...steps, step("Error", E, sum, parts.map((part) => toLatex(part)).join(" + "), total, outputs.map((_, unit) => `${last}.${unit}`), [])];
}

/**
 * @param {Moment} moment
 * @param {number} layer
 * @returns {Step[]} from the activations of a layer to the weights before it
 */
function backwardSteps(moment, layer) {
  const { shape, parameters, pass, gradients, targets } = moment;
  const { weight, bias } = places(shape, layer);
  const names = parameterNames(shape);
  const isLast = layer === shape.layers.length - 1;
  return pass.activations[layer].flatMap((output, unit) => {
    const [sum, activation] = [sumName(shape, layer, unit), activationName(shape, layer, unit)];
    const units = [`${layer}.${unit}`];
    const dActivation = derivative(E, activation);
    const dSum = derivative(E, sum);
    const upper = gradients.activations[layer][unit];
    const steps = [];
    if (isLast) {
      const [formula, numbers] = [`${activation.latex} - ${numbered("t", unit + 1).latex}`, `${asFactor(output)} - ${asFactor(targets[unit])}`];
      steps.push(step("Backward", dActivation, formula, numbers, upper, units, []));
    } else {
      const next = places(shape, layer + 1);
      const above = gradients.sums[layer + 1];
      const terms = above.map((_, to) => String.raw`${derivative(E, sumName(shape, layer + 1, to)).latex} \, ${names[next.weight(to, unit)].latex}`);
      const numbers = above.map((gradient, to) => times(gradient, parameters[next.weight(to, unit)]));
      const around = above.map((_, to) => `${layer + 1}.${to}`);
      steps.push(
        step("Backward", dActivation, terms.join(" + "), numbers.join(" + "), upper, [...units, ...around], above.map((_, to) => next.weight(to, unit))),
      );
    }
    const formula = FORMULAS[shape.activation].slope;
    const through = String.raw`${dActivation.latex} \, ${derivative(activation, sum).latex} = ${dActivation.latex} \; ${formula(activation.latex, sum.latex)}`;
    const value = gradients.sums[layer][unit];
    steps.push(step("Backward", dSum, through, times(upper, slope(shape, pass, layer, unit)), value, units, []));
    pass.activations[layer - 1].forEach((before, input) => {
      const index = weight(unit, input);
      const name = activationName(shape, layer - 1, input);
      const chain = String.raw`${dSum.latex} \, ${derivative(sum, names[index]).latex} = ${dSum.latex} \; ${name.latex}`;
      const from = [...units, `${layer - 1}.${input}`];
      steps.push(step("Backward", derivative(E, names[index]), chain, times(value, before), gradients.parameters[index], from, [index]));
    });
    if (shape.biases) {
      steps.push(step("Backward", derivative(E, names[bias(unit)]), dSum.latex, toLatex(value), value, units, [bias(unit)]));
    }
    return steps;
  });
}

/**
 * @param {Moment} moment
 * @returns {Step[]}
 */
function updateSteps({ shape, parameters, meanGradient, samples, rate }) {
  return parameterNames(shape).map((name, index) => {
    const gradient = derivative(E, name).latex;
    const mean = samples > 1 ? String.raw`\tfrac{1}{${samples}} \sum ${gradient}` : gradient; // over the samples
    const symbol = { text: `${name.text} new`, latex: String.raw`${name.latex}^{\text{new}}` };
    const numbers = `${toLatex(parameters[index])} - ${times(rate, meanGradient[index])}`;
    return step("Update", symbol, String.raw`${name.latex} - \eta \, ${mean}`, numbers, parameters[index] - rate * meanGradient[index], [], [index]);
  });
}

/**
 * @param {number} first
 * @param {number} second
 */
function times(first, second) {
  return String.raw`${asFactor(first)} \cdot ${asFactor(second)}`;
}

/**
 * @param {Step["section"]} section
 * @param {Name} name
 * @param {string} formula
 * @param {string} numbers
 * @param {number} value
 * @param {string[]} units
 * @param {number[]} parameters
 * @returns {Step}
 */
function step(section, name, formula, numbers, value, units, parameters) {
  return { section, symbol: name.text, latex: `${name.latex} = ${formula}`, numbers, value, units, parameters };
}
