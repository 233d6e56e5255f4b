/** What the parts of a network are called: i1, h1, a_h1, o1, w1 ..., as in the service's own derivation. */
import { countParameters, places } from "./network.js";

/**
 * @typedef {import("./network.js").Shape} Shape
 * @typedef {{text: string, latex: string}} Name
 */

/**
 * @param {Shape} shape
 * @param {number} layer
 * @param {number} unit
 * @returns {Name} of the unit's sum; of an input, its value
 */
export function sumName({ layers }, layer, unit) {
  const number = unit + 1;
  if (layer === 0) return { text: `i${number}`, latex: `i_{${number}}` };
  if (layer === layers.length - 1) return { text: `o${number}`, latex: `o_{${number}}` };
  if (layers.length === 3) return { text: `h${number}`, latex: `h_{${number}}` };
  return { text: `h${layer}.${number}`, latex: `h^{(${layer})}_{${number}}` };
}

/**
 * @param {Shape} shape
 * @param {number} layer
 * @param {number} unit
 * @returns {Name}
 */
export function activationName(shape, layer, unit) {
  const sum = sumName(shape, layer, unit);
  return layer === 0 ? sum : { text: `a_${sum.text}`, latex: `a_{${sum.latex}}` };
}

/**
 * @param {Shape} shape
 * @returns {Name[]} of the parameters, in their order
 */
export function parameterNames(shape) {
  /** @type {Name[]} */
  const names = new Array(countParameters(shape));
  let weights = 0;
  let biases = 0;
  for (let layer = 1; layer < shape.layers.length; layer++) {
    const { weight, bias } = places(shape, layer);
    for (let unit = 0; unit < shape.layers[layer]; unit++) {
      for (let input = 0; input < shape.layers[layer - 1]; input++) names[weight(unit, input)] = numbered("w", ++weights);
      if (shape.biases) names[bias(unit)] = numbered("b", ++biases);
    }
  }
  return names;
}

/**
 * @param {string} letter
 * @param {number} number
 * @returns {Name}
 */
export function numbered(letter, number) {
  return { text: `${letter}${number}`, latex: `${letter}_{${number}}` };
}

/**
 * @param {Name} above
 * @param {Name} below
 * @returns {Name} a derivative
 */
export function derivative(above, below) {
  return { text: `∂${above.text}/∂${below.text}`, latex: String.raw`\frac{\partial ${above.latex}}{\partial ${below.latex}}` };
}
