/** The network as a graph: a link's width is the size of its weight, or gradient, and its colour the sign. */
import { html, useEffect, useState } from "../view.js";
import { activationName, numbered, parameterNames } from "./names.js";
import { places } from "./network.js";
import { digits, short } from "./numbers.js";

/**
 * @typedef {import("./steps.js").Moment} Moment
 * @typedef {import("./steps.js").Step} Step
 * @typedef {{x: number, y: number}} Point
 * @typedef {{index: number, from: Point, to: Point}} Link
 */

/** Room for the graph: on a phone the targets stand below the outputs, and all is closer together. */
const WIDE = { width: 640, left: 48, right: 148, spread: 190, least: 300, radius: 29, label: 100 };
const NARROW = { width: 400, left: 36, right: 50, spread: 150, least: 290, radius: 26, label: 62 };
const MAX_LABELLED = 12; // links; more labels would cover one another
const MAX_BREADTH = 9;

/**
 * @param {object} properties
 * @param {Moment} properties.moment
 * @param {boolean} properties.hasGradients
 * @param {Step | undefined} properties.step that is lit
 * @param {(text: string) => void} properties.onPoint what is under the pointer, in words; empty if nothing
 */
export function Graph({ moment, hasGradients, step, onPoint }) {
  const isNarrow = useNarrow();
  const { shape, parameters, pass, gradients, meanGradient, targets } = moment;
  const widest = Math.max(...shape.layers);
  const room = isNarrow ? NARROW : WIDE;
  const radius = widest > 5 ? 20 : room.radius;
  const height = Math.max(room.least, widest * (2 * radius + 22) + 40);
  const at = (/** @type {number} */ layer, /** @type {number} */ unit) => ({
    x: room.left + (layer * (room.width - room.left - room.right)) / (shape.layers.length - 1),
    y: height / 2 - (isNarrow ? 14 : 0) + (unit - (shape.layers[layer] - 1) / 2) * Math.min(room.spread, (height - 2 * radius - 50) / Math.max(1, shape.layers[layer] - 1)),
  });
  const links = linksOf(moment, at);
  const shown = hasGradients ? meanGradient : parameters;
  const largest = Math.max(...links.map(({ index }) => Math.abs(shown[index]))) || 1;
  const names = parameterNames(shape);
  const isLit = (/** @type {number} */ index) => step?.parameters.includes(index);
  const describe = (/** @type {number} */ index) =>
    `${names[index].text} = ${digits(parameters[index], 12)}, gradient ${digits(meanGradient[index], 12)}`;
  const last = shape.layers.length - 1;
  const leave = (/** @type {PointerEvent} */ event) => event.pointerType === "mouse" && onPoint(""); // what was tapped stays

  return html`
    <svg class="graph ${step ? "stepping" : ""}" viewBox="0 0 ${room.width} ${height}" role="img" aria-label=${summary(moment)}>
      ${links.map(({ index, from, to }) => {
        const breadth = 1 + ((MAX_BREADTH - 1) * Math.abs(shown[index])) / largest;
        const sign = shown[index] < 0 ? "minus" : "plus";
        return html`
          <g key=${index} class="link ${sign} ${isLit(index) ? "lit" : ""}" onPointerEnter=${() => onPoint(describe(index))} onPointerLeave=${leave}>
            <line class="reach" x1=${from.x} y1=${from.y} x2=${to.x} y2=${to.y} />
            <line x1=${from.x} y1=${from.y} x2=${to.x} y2=${to.y} stroke-width=${breadth.toFixed(2)} data-weight=${names[index].text} data-value=${parameters[index]} data-gradient=${meanGradient[index]} />
          </g>
        `;
      })}
      ${links.length <= MAX_LABELLED &&
      links.map(({ index, from, to }) => {
        const along = (radius + room.label / 2 + 4) / (to.x - from.x); // just beside the unit that it comes from
        const place = { x: from.x + along * (to.x - from.x), y: from.y + along * (to.y - from.y) };
        return html`
          <g key=${index} class="weight ${isLit(index) ? "lit" : ""}" transform="translate(${place.x} ${place.y})" aria-hidden="true">
            <rect x=${-room.label / 2} y="-11" width=${room.label} height="22" rx="5" />
            <text y="4.5">${!isNarrow && html`<tspan class="name">${hasGradients ? `∂${names[index].text}` : names[index].text}</tspan> `}${digits(shown[index], 3)}</text>
          </g>
        `;
      })}
      ${shape.layers.flatMap((units, layer) =>
        Array.from({ length: units }, (_, unit) => {
          const { x, y } = at(layer, unit);
          const name = activationName(shape, layer, unit).text;
          const value = pass.activations[layer][unit];
          const bias = shape.biases && layer > 0 ? places(shape, layer).bias(unit) : null;
          const gradient = layer > 0 ? `, ∂E/∂${name} = ${digits(gradients.activations[layer][unit], 12)}` : "";
          const biasText = bias === null ? "" : `, ${describe(bias)}`;
          return html`
            <g
              key=${name}
              class="unit ${step?.units.includes(`${layer}.${unit}`) ? "lit" : ""}"
              transform="translate(${x} ${y})"
              onPointerEnter=${() => onPoint(`${name} = ${digits(value, 12)}${gradient}${biasText}`)}
              onPointerLeave=${leave}
            >
              <circle r=${radius} />
              <circle class="level" r=${radius} fill-opacity=${(Math.min(Math.abs(value), 1) * 0.3).toFixed(3)} />
              <text class="name" y="-5">${name}</text>
              <text class="value" y="12" data-unit=${name}>${digits(value, 3)}</text>
              ${bias !== null && html`<text class="bias" y=${radius + 15}>${names[bias].text} ${digits(hasGradients ? meanGradient[bias] : parameters[bias], 3)}</text>`}
            </g>
          `;
        }),
      )}
      ${targets.map((target, unit) => {
        const { x, y } = at(last, unit);
        const error = (target - pass.activations[last][unit]) ** 2 / 2;
        const name = targets.length === 1 ? "E" : numbered("E", unit + 1).text;
        return html`
          <g key=${unit} class="target ${isNarrow ? "below" : ""}" transform="translate(${isNarrow ? x : x + radius + 12} ${isNarrow ? y + radius + (shape.biases ? 37 : 20) : y})">
            <text y="-4">t${unit + 1} = ${short(target)}</text>
            <text y="13">${name} = ${short(error)}</text>
          </g>
        `;
      })}
    </svg>
  `;
}

/** @returns {boolean} whether the page is as narrow as a phone */
function useNarrow() {
  const query = matchMedia("(max-width: 719px)");
  const [isNarrow, setNarrow] = useState(query.matches);
  useEffect(() => {
    const follow = () => setNarrow(query.matches);
    query.addEventListener("change", follow);
    return () => query.removeEventListener("change", follow);
  }, []);
  return isNarrow;
}

/**
 * @param {Moment} moment
 * @param {(layer: number, unit: number) => Point} at
 * @returns {Link[]}
 */
function linksOf({ shape }, at) {
  return shape.layers.slice(1).flatMap((units, before) =>
    Array.from({ length: units }, (_, unit) => unit).flatMap((unit) =>
      Array.from({ length: shape.layers[before] }, (_, input) => ({
        index: places(shape, before + 1).weight(unit, input),
        from: at(before, input),
        to: at(before + 1, unit),
      })),
    ),
  );
}

/**
 * @param {Moment} moment
 * @returns {string} for those who do not see it
 */
function summary({ shape, parameters, pass }) {
  const weights = parameterNames(shape).map(({ text }, index) => `${text} ${short(parameters[index])}`);
  const outputs = pass.activations.at(-1)?.map((output, unit) => `a_o${unit + 1} ${short(output)}`) ?? [];
  return `The network: layers of ${shape.layers.join(", ")} units. Weights: ${weights.join(", ")}. Outputs: ${outputs.join(", ")}.`;
}
