/** What can follow on a run that has ended: the training again with changes, or more trials of the search. */
import { ApiError, tell } from "../api.js";
import { useAction } from "../parts/loading.js";
import { Opening, Refusal } from "../parts/pieces.js";
import { html, useState } from "../view.js";
import { Field, placeErrors, read } from "./fields.js";

/**
 * @typedef {import("./runs.js").Job} Job
 * @typedef {{meaning: string, hint?: string}} Asked
 */

/** @param {{job: Job, look: string}} properties `look` of the button: a class */
export function RetryWithChanges({ job: { id, spec }, look }) {
  /** @param {Record<string, unknown>} changes */
  const retry = async (changes) => {
    if (!Object.keys(changes).length) throw new ApiError("Change at least one of them.", 422);
    const next = await tell("POST", `/v1/jobs/${id}/retry`, changes);
    location.hash = `#/train/${next.id}`;
  };
  const text =
    spec.schedule === "constant"
      ? "A new run like this one but for what you fill in. It goes on from this run's last checkpoint where that fits."
      : `A new run like this one but for what you fill in. It begins anew: the ${spec.schedule.replaceAll("_", " ")} schedule was laid out for this run's rate and epochs.`;
  const fields = {
    learning_rate: { meaning: "of this run, if left empty", hint: String(spec.learning_rate) },
    epochs: { meaning: "in all, with those that are done", hint: String(spec.epochs) },
    batch_size: { meaning: "another one begins anew", hint: String(spec.batch_size) },
  };
  return html`<${Form} label="Retry with changes" text=${text} fields=${fields} answer="Start the new run" work=${retry} look=${look} />`;
}

/** @param {{job: Job, onExtended: () => void}} properties */
export function MoreTrials({ job: { id, spec }, onExtended }) {
  /** @param {Record<string, unknown>} extension */
  const extend = async ({ trials = "" }) => {
    await tell("POST", `/v1/jobs/${id}/extend`, { trials });
    onExtended();
  };
  const text = `The search goes on with its ${spec.trials} trials and so many more; the best of all is tested and becomes a version.`;
  const fields = { trials: { meaning: "in addition" } };
  return html`<${Form} label="More trials" text=${text} fields=${fields} answer="Go on searching" work=${extend} />`;
}

/**
 * A button that opens a few fields.
 * @param {object} properties
 * @param {string} properties.label of the button
 * @param {string} properties.text what will happen
 * @param {Record<string, Asked>} properties.fields
 * @param {string} properties.answer that does it
 * @param {(values: Record<string, unknown>) => Promise<unknown>} properties.work with what was filled in
 * @param {string} [properties.look] of the button: a class
 */
function Form({ label, text, fields, answer, work, look = "" }) {
  const [values, setValues] = useState(/** @type {Record<string, string>} */ ({}));
  const { run, isBusy, error, clear } = useAction(async (/** @type {() => void} */ close) => {
    const filled = Object.entries(values).filter(([, value]) => value.trim());
    await work(Object.fromEntries(filled.map(([name, value]) => [name, read(value)])));
    setValues({});
    close();
  });
  const errors = error ? placeErrors(error, Object.keys(fields)) : {};
  const form = { values, errors, set: (/** @type {string} */ name, /** @type {string} */ value) => (clear(), setValues({ ...values, [name]: value })) };
  const box = (/** @type {() => void} */ close) => html`
    <form onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), run(close))} novalidate>
      <p>${text}</p>
      <div class="trio">${Object.entries(fields).map(([name, { meaning, hint }]) => html`<${Field} key=${name} form=${form} name=${name} meaning=${meaning} hint=${hint} />`)}</div>
      <${Refusal} error=${"" in errors ? error : null} />
      <div class="tools"><button class="main" disabled=${isBusy}>${answer}</button><button type="button" onClick=${close}>Not now</button></div>
    </form>
  `;
  return html`<${Opening} label=${label} look=${look} box=${box} onOpen=${clear} />`;
}
