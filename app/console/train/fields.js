/** The fields of the form that starts a run: what each means, and what was refused about it. */
import { html } from "../view.js";
import { plain, sentence, words } from "../parts/format.js";

/**
 * @typedef {object} Meaning as in `fields` of GET /v1/recipes
 * @property {string} type
 * @property {string} meaning
 * @property {unknown} default
 * @property {number} [minimum]
 * @property {number} [exclusiveMinimum]
 * @property {number} [maximum]
 * @property {number} [exclusiveMaximum]
 * @property {string[]} [enum]
 *
 * @typedef {{values: Record<string, string>, set: (name: string, value: string) => void, errors: Record<string, string>}} Form
 */

/** Of the fields that are no recipe's. @type {Record<string, string>} */
export const MEANINGS = {
  dataset: "the digits to learn from",
  seed: "of all random numbers: the same seed gives the same network",
  device: "auto takes a GPU where a worker has one",
  name: "for you, to find the run again",
  tags: "the same; several with commas between them",
  mix: "share of MNIST's training pictures, 0 to 1, that is added to those of another data set",
  start_from: "a version or an alias whose weights the network starts from; with few pictures of your own, the champion",
  sampler: "tpe: trials that worked well make like ones likelier; random: evenly; grid: every point once",
  trials: "how many trainings; empty for a grid: all of its points",
  parallel: "trainings at once, as far as there are workers",
  pruning: "asha: a trial goes on only if it is among the best of those that have come so far",
};

/**
 * @param {object} properties
 * @param {Form} properties.form
 * @param {string} properties.name
 * @param {string} [properties.meaning]
 * @param {string} [properties.hint] shown in the empty field
 * @param {Record<string, string>} [properties.options] of a choice, by value
 * @param {boolean} [properties.isText] whether it takes words instead of a number
 */
export function Field({ form, name, meaning = MEANINGS[name], hint = "", options, isText = false }) {
  const [value, error] = [form.values[name] ?? "", form.errors[name]];
  const common = { id: name, name, "aria-describedby": `${name}-help`, "aria-invalid": error ? "true" : undefined };
  const onInput = (/** @type {{currentTarget: HTMLInputElement | HTMLSelectElement}} */ { currentTarget }) => form.set(name, currentTarget.value);
  return html`
    <div class="field ${error ? "wrong" : ""}">
      <label for=${name}>${words(name)}</label>
      ${options
        ? html`<select ...${common} value=${value} onChange=${onInput}>${Object.entries(options).map(([option, text]) => html`<option key=${option} value=${option} selected=${option === value}>${text}</option>`)}</select>`
        : html`<input ...${common} value=${value} placeholder=${hint} inputmode=${isText ? "text" : "decimal"} autocomplete="off" spellcheck=${false} onInput=${onInput} />`}
      <p id="${name}-help">${error ? html`<strong>${error}</strong>` : meaning}</p>
    </div>
  `;
}

/**
 * A field of a recipe, which fills it in where it is left empty.
 * @param {{form: Form, name: string, field: Meaning, recipe: Record<string, unknown>}} properties
 */
export function RecipeField({ form, name, field, recipe }) {
  const usual = recipe[name] === null ? "none" : String(recipe[name]);
  const kinds = field.type === "boolean" ? ["true", "false"] : field.enum;
  const options = kinds && { "": `as the recipe: ${usual}`, ...Object.fromEntries(kinds.map((kind) => [kind, kind.replaceAll("_", " ")])) };
  return html`<${Field} form=${form} name=${name} meaning=${explain(field)} hint=${usual} options=${options} />`;
}

/** @param {Meaning} field what it means, and its bounds */
export function explain({ meaning, minimum, exclusiveMinimum, maximum, exclusiveMaximum }) {
  const [low, high] = [minimum ?? exclusiveMinimum, maximum ?? exclusiveMaximum];
  return plain(meaning) + (low === undefined || high === undefined ? "" : ` (${low} to ${high})`);
}

/**
 * @param {string} text what was typed; what is no number goes to the service as it is, which says what is wrong
 * @returns {unknown}
 */
export function read(text) {
  const trimmed = text.trim();
  if (trimmed === "none") return null;
  if (["true", "false"].includes(trimmed)) return JSON.parse(trimmed);
  return trimmed !== "" && Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
}

/**
 * @param {import("../api.js").ApiError} error
 * @param {string[]} names of the fields of the form
 * @returns {Record<string, string>} by field, what was refused; under "" what belongs to none
 */
export function placeErrors(error, names) {
  /** @type {Record<string, string>} */
  const placed = {};
  for (const { location, message } of error.errors) {
    const parts = location.split(".").slice(1);
    const field = parts.findLast((part) => names.includes(part)) ?? "";
    placed[field] ??= sentence(message);
  }
  return Object.keys(placed).length ? placed : { "": error.message };
}
