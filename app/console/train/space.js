/** What a search varies: a range or values for each field. */
import { html } from "../view.js";
import { words } from "../parts/format.js";
import { explain } from "./fields.js";

/**
 * @typedef {object} Dimension
 * @property {string} field
 * @property {string} how `values`, `range` or `log`
 * @property {string} low
 * @property {string} high
 * @property {string} list values with commas between them
 */

const HOW = { log: "from, to, by factors", range: "from, to, evenly", values: "these values" };
const MAX_DIMENSIONS = 12;

/**
 * @param {object} properties
 * @param {Record<string, import("./fields.js").Meaning>} properties.fields
 * @param {Record<string, unknown>} properties.recipe
 * @param {Dimension[]} properties.space
 * @param {boolean} properties.isGrid whether only values can be varied
 * @param {Record<string, string>} properties.errors by field
 * @param {(space: Dimension[]) => void} properties.onChange
 */
export function Space({ fields, recipe, space, isGrid, errors, onChange }) {
  const ways = Object.entries(HOW).filter(([name]) => !isGrid || name === "values");
  const free = Object.keys(fields).filter((name) => !space.some(({ field }) => field === name));
  /**
   * @param {number} place
   * @param {Partial<Dimension>} change
   */
  const set = (place, change) => onChange(space.map((each, other) => (other === place ? { ...each, ...change } : each)));
  const add = () => onChange([...space, { field: free[0], how: "values", low: "", high: "", list: String(recipe[free[0]] ?? "") }]);
  return html`
    <div class="space">
      ${space.map((dimension, place) => {
        const { field } = dimension;
        const how = isGrid ? "values" : dimension.how;
        const input = (/** @type {"low" | "high" | "list"} */ name, /** @type {string} */ label) => html`
          <input aria-label="${words(field)}: ${label}" placeholder=${label} value=${dimension[name]} autocomplete="off" aria-invalid=${errors[field] ? "true" : undefined}
            class=${name} onInput=${(/** @type {{currentTarget: HTMLInputElement}} */ { currentTarget }) => set(place, { [name]: currentTarget.value })} />
        `;
        return html`
          <div class="dimension ${errors[field] ? "wrong" : ""}" key=${field}>
            <select aria-label="Field that is varied" onChange=${(/** @type {{currentTarget: HTMLSelectElement}} */ { currentTarget }) => set(place, { field: currentTarget.value })}>
              ${[field, ...free].map((name) => html`<option key=${name} value=${name} selected=${name === field}>${words(name)}</option>`)}
            </select>
            <select aria-label="How ${words(field)} is varied" onChange=${(/** @type {{currentTarget: HTMLSelectElement}} */ { currentTarget }) => set(place, { how: currentTarget.value })}>
              ${ways.map(([name, text]) => html`<option key=${name} value=${name} selected=${name === how}>${text}</option>`)}
            </select>
            ${how === "values" ? input("list", "values, with commas between") : [input("low", "from"), input("high", "to")]}
            <button type="button" class="small" aria-label="Do not vary ${words(field)}" disabled=${space.length === 1} onClick=${() => onChange(space.filter((_, other) => other !== place))}>Remove</button>
            <p>${errors[field] ? html`<strong>${errors[field]}</strong>` : fields[field] && explain(fields[field])}</p>
          </div>
        `;
      })}
      <button type="button" disabled=${space.length >= MAX_DIMENSIONS || !free.length} onClick=${add}>Vary another field</button>
    </div>
  `;
}
