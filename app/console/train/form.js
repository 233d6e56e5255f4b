/** Starts a training or a search. What is typed stays in this tab until the run has started. */
import { get, makeKey, submitJob } from "../api.js";
import { Choice } from "../choice.js";
import { Notice } from "../notice.js";
import { sentence, words } from "../parts/format.js";
import { useLoaded } from "../parts/loading.js";
import { Waiting } from "../parts/pieces.js";
import { forget, keep, recall } from "../storage.js";
import { html, useEffect, useRef, useState } from "../view.js";
import { Field, MEANINGS, RecipeField, placeErrors, read } from "./fields.js";
import { Space } from "./space.js";

/**
 * @typedef {import("./fields.js").Meaning} Meaning
 * @typedef {import("./space.js").Dimension} Dimension
 * @typedef {{kind: string, values: Record<string, string>, space: Dimension[], like: string, key: string}} Draft what is
 *   typed, the run that it began as, and the key of idempotency of just this draft: sent twice, it starts one job
 * @typedef {{recipes: {name: string, description: string, fields: Record<string, unknown>}[], fields: Record<string, Meaning>, datasets: {name: string, pictures: number | null, description: string}[], versions: string[], model: import("./runs.js").Job | null}} Known what there is to choose from, and the run to start like
 */

const KEPT = "numeral.run"; // in session storage
/** @type {[string, string][]} */
const KINDS = [["mnist_training", "One training"], ["training_search", "A search"]];

/** @type {Record<string, string[]>} the fields of a recipe by subject; new ones come last, under "More" */
const GROUPS = {
  Learning: ["batch_size", "optimizer", "learning_rate", "momentum", "nesterov", "weight_decay", "schedule", "warmup", "average_decay", "precision"],
  Regularisation: ["dropout", "label_smoothing", "distillation_weight"],
  "Changes of the pictures": [
    "rotation", "scale", "shift", "slant", "aspect", "warp", "stroke", "blur", "fading", "noise", "squeeze", "coarse", "cooldown",
    "synthetic_per_128", "outliers_per_128",
  ],
};
const FIRST = ["recipe", "epochs"];
const START = ["mix", "start_from"];
const SEARCH = ["sampler", "trials", "parallel", "pruning"];
const TEXTS = ["name", "dataset", "start_from", "device", "recipe", "sampler", "pruning"];

/** @param {{query: URLSearchParams}} properties */
export function StartForm({ query }) {
  const like = query.get("like") ?? "";
  const { data: known, error, reload } = useLoaded((signal) => loadKnown(like, signal), like);
  return html`
    <p class="back"><a href="#/train">All runs</a></p>
    <h1>New run</h1>
    <p class="purpose">Choose a recipe and a data set. All else has a value already; what you leave empty is as the recipe says.</p>
    ${known && html`<${Form} known=${known} query=${query} />`}
    ${!known && (error ? html`<${Notice} title="The form could not be loaded" error=${error} scope="train" onRetry=${reload} />` : html`<${Waiting} />`)}
  `;
}

/** @param {{known: Known, query: URLSearchParams}} properties */
function Form({ known, query }) {
  const [draft, setDraft] = useState(() => begin(query, known));
  const [errors, setErrors] = useState(/** @type {Record<string, string>} */ ({}));
  const [failure, setFailure] = useState(/** @type {import("../api.js").ApiError | null} */ (null));
  const [isBusy, setBusy] = useState(false);
  const place = useRef(/** @type {HTMLFormElement | null} */ (null));

  useEffect(() => keep(KEPT, JSON.stringify(draft)), [draft]);
  /** @param {(before: Draft) => Partial<Draft>} next */
  const change = (next) => setDraft((before) => ({ ...before, ...next(before), key: makeKey() }));
  const isSearch = draft.kind === "training_search";
  const recipe = known.recipes.find(({ name }) => name === draft.values.recipe) ?? known.recipes[0];
  const form = {
    values: draft.values,
    errors,
    set: (/** @type {string} */ name, /** @type {string} */ value) => {
      change(({ values }) => ({ values: { ...values, [name]: value } }));
      setErrors(({ [name]: _, ...others }) => others);
    },
  };
  const rest = Object.keys(known.fields).filter((name) => ![...FIRST, ...Object.values(GROUPS).flat()].includes(name));
  const names = [...Object.keys(known.fields), ...Object.keys(MEANINGS)];

  const submit = async () => {
    if (isBusy) return;
    setBusy(true);
    setErrors({});
    setFailure(null);
    try {
      const job = await submitJob(toSpec(draft, known), draft.key);
      forget(KEPT);
      location.hash = `#/train/${job.id}`;
    } catch (problem) {
      const refused = /** @type {import("../api.js").ApiError} */ (problem);
      const placed = placeErrors(refused, names);
      setErrors(placed);
      setFailure("" in placed ? refused : null);
      setBusy(false);
      requestAnimationFrame(() => {
        const wrong = /** @type {HTMLElement[]} */ ([...(place.current?.querySelectorAll("[aria-invalid]") ?? [])]);
        for (const field of wrong) field.closest("details")?.setAttribute("open", ""); // and so it stays
        wrong[0]?.focus();
      });
    }
  };
  /** @param {string} name */
  const ofRecipe = (name) => html`<${RecipeField} key=${name} form=${form} name=${name} field=${known.fields[name]} recipe=${recipe.fields} />`;
  const sets = Object.fromEntries(known.datasets.map(({ name, pictures }) => [name, pictures === null ? name : `${name}, ${pictures.toLocaleString("en")} pictures`]));
  const chosen = known.datasets.find(({ name }) => name === draft.values.dataset);
  return html`
    <form class="start" ref=${place} onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), submit())} novalidate>
      <div class="bar"><${Choice} label="Kind of run" options=${KINDS} value=${draft.kind} onChoose=${(/** @type {string} */ kind) => change(() => ({ kind }))} />
        <span class="quiet">${isSearch ? "Many trainings with other settings each; the best one is tested and becomes a version." : "One network, tested at the end; it becomes a version."}</span>
      </div>
      <fieldset>
        <legend>Recipe</legend>
        <div class="cards">
          ${known.recipes.map(
            ({ name, description, fields }) => html`
              <label class="card" key=${name}>
                <input type="radio" name="recipe" value=${name} checked=${recipe.name === name} onChange=${() => form.set("recipe", name)} />
                <strong>${name}</strong><span>${description.replaceAll("`", "")}</span><span class="quiet">${fields.epochs} epochs, batches of ${fields.batch_size}</span>
              </label>
            `,
          )}
        </div>
        <div class="grid">
          <${Field} form=${form} name="dataset" options=${sets} meaning=${chosen && `${sentence(chosen.description)}${chosen.name === "mnist" ? "" : " What learns from it cannot become the champion."}`} />
          ${ofRecipe("epochs")}
          <${Field} form=${form} name="seed" hint="0" />
          <${Field} form=${form} name="device" options=${{ auto: "auto", cpu: "cpu", cuda: "cuda" }} />
          <${Field} form=${form} name="name" isText hint="optional" />
          <${Field} form=${form} name="tags" isText hint="optional" />
        </div>
      </fieldset>
      ${isSearch && html`
        <fieldset>
          <legend>Search</legend>
          <${Space} fields=${known.fields} recipe=${recipe.fields} space=${draft.space} isGrid=${draft.values.sampler === "grid"} errors=${errors} onChange=${(/** @type {Dimension[]} */ space) => (change(() => ({ space })), setErrors({}))} />
          <div class="grid">
            <${Field} form=${form} name="sampler" options=${{ tpe: "by earlier trials (tpe)", random: "at random", grid: "grid" }} />
            <${Field} form=${form} name="trials" hint=${draft.values.sampler === "grid" ? "all points" : "20"} />
            <${Field} form=${form} name="parallel" hint="2" />
            <${Field} form=${form} name="pruning" options=${{ off: "off", asha: "weak trials stop early (asha)" }} />
          </div>
        </fieldset>
      `}
      ${Object.entries({ ...GROUPS, ...(rest.length && { More: rest }) }).map(
        ([title, group]) => html`
          <details key=${title}>
            <summary>${title}<span class="quiet">${changed(group, draft.values)}</span></summary>
            <div class="grid">${group.filter((name) => name in known.fields && !(isSearch && draft.space.some(({ field }) => field === name))).map(ofRecipe)}</div>
          </details>
        `,
      )}
      <details>
        <summary>Where it starts from<span class="quiet">${changed(START, draft.values, "new weights, no other pictures")}</span></summary>
        <div class="grid">
          <${Field} form=${form} name="start_from" options=${{ "": "new weights", champion: "champion", ...Object.fromEntries(known.versions.map((version) => [version, `version ${version}`])) }} />
          <${Field} form=${form} name="mix" hint="0" />
        </div>
      </details>
      ${failure && html`<${Notice} title="It was not started" error=${failure} scope="train" onRetry=${submit} />`}
      ${Object.keys(errors).some((name) => name) && html`<p class="refusal" role="alert">It was not started: see what is marked above.</p>`}
      <div class="tools"><button class="main" disabled=${isBusy}>${isSearch ? "Start the search" : "Start the training"}</button><a class="button" href="#/train">Back to the runs</a></div>
    </form>
  `;
}

/**
 * @param {string[]} group
 * @param {Record<string, string>} values
 * @param {string} [usual] where nothing was changed
 */
function changed(group, values, usual = "as the recipe") {
  const set = group.filter((name) => values[name]);
  return set.map((name) => `${words(name).toLowerCase()} ${values[name]}`).join(", ") || usual;
}

/**
 * @param {string} like the id of a run, or empty
 * @param {AbortSignal} signal
 * @returns {Promise<Known>}
 */
async function loadKnown(like, signal) {
  const paths = ["/v1/recipes", "/v1/datasets", "/v1/models", ...(like && [`/v1/jobs/${encodeURIComponent(like)}`])];
  const [recipes, datasets, models, model = null] = await Promise.all(paths.map((path) => get(path, signal)));
  const { recipe: _, ...fields } = recipes.fields;
  return { recipes: recipes.items, fields, datasets: datasets.items, versions: models.items.map((/** @type {any} */ each) => each.version), model };
}

/**
 * @param {Draft} draft
 * @param {Known} known
 */
function toSpec({ kind, values, space }, known) {
  const given = Object.entries(values).filter(([, value]) => value.trim() !== "");
  const fields = given.map(([name, value]) => [name, name === "tags" ? split(value) : TEXTS.includes(name) ? value.trim() : read(value)]);
  const isOne = (/** @type {string[]} */ names) => (/** @type {any[]} */ [name]) => names.includes(name);
  if (kind === "mnist_training") return { kind, ...Object.fromEntries(fields.filter(([name]) => !SEARCH.includes(String(name)))) };
  const base = fields.filter(isOne([...Object.keys(known.fields), "recipe", "dataset", "seed", "device", ...START]));
  const searched = space.map(({ field, how, low, high, list }) => [
    field,
    how === "values" || values.sampler === "grid"
      ? { values: split(list).map(read) }
      : { low: read(low), high: read(high), log: how === "log" },
  ]);
  return {
    kind,
    ...Object.fromEntries(fields.filter(isOne(["name", "tags", ...SEARCH]))),
    base: Object.fromEntries(base.filter(([name]) => !space.some(({ field }) => field === name))),
    space: Object.fromEntries(searched),
  };
}

/** @param {string} list with commas between its words */
function split(list) {
  return list.split(/[,;]/).map((word) => word.trim()).filter(Boolean);
}

/**
 * @param {import("./runs.js").Job} job
 * @param {Known} known
 * @returns {Draft} with what the job has other than its recipe
 */
function draftLike({ id, kind, spec }, known) {
  const own = kind === "training_search" ? { ...spec, ...spec.base } : spec;
  const recipe = known.recipes.find(({ name }) => name === (own.recipe ?? "fast"))?.fields ?? {};
  const names = [...Object.keys(known.fields), ...Object.keys(MEANINGS), "recipe"].filter((name) => name !== "name" && own[name] !== undefined && own[name] !== (recipe[name] ?? null));
  const values = Object.fromEntries(names.map((name) => [name, Array.isArray(own[name]) ? own[name].join(", ") : String(own[name] ?? "none")]));
  const space = Object.entries(spec.space ?? {}).map(([field, { values: list, low, high, log }]) => ({
    field, how: list ? "values" : log ? "log" : "range", low: String(low ?? ""), high: String(high ?? ""), list: (list ?? []).join(", "),
  }));
  return { kind, values: { ...FRESH.values, ...values }, space: space.length ? space : FRESH.space, like: id, key: makeKey() };
}

/** @type {Omit<Draft, "key">} */
const FRESH = {
  kind: "mnist_training",
  values: { recipe: "quick", dataset: "mnist", device: "auto", sampler: "tpe", pruning: "off" },
  space: [{ field: "learning_rate", how: "log", low: "0.01", high: "0.5", list: "" }],
  like: "",
};

/**
 * @param {URLSearchParams} query
 * @param {Known} known
 * @returns {Draft} what was typed before, with what the address asks for
 */
function begin(query, known) {
  let draft = { ...FRESH, key: makeKey() };
  try {
    draft = { ...draft, ...JSON.parse(recall(KEPT) ?? "{}") };
  } catch {
    // it is begun anew
  }
  if (known.model && known.model.id !== draft.like) draft = draftLike(known.model, known);
  const [kind, dataset] = [query.get("kind"), query.get("dataset")];
  if (kind && kind !== draft.kind && KINDS.some(([name]) => name === kind)) draft = { ...draft, kind, key: makeKey() };
  if (dataset && dataset !== draft.values.dataset) draft = { ...draft, values: { ...draft.values, dataset }, key: makeKey() };
  return draft;
}
