/** What is trained: an example, or layers, activation, biases and samples of one's own. */
import { plural } from "../parts/format.js";
import { html, useEffect, useRef, useState } from "../view.js";
import { MAX_EPOCHS, MAX_SEED, PRESETS, formatSamples, parseSamples, refuse, toNumbers } from "./settings.js";

/**
 * @typedef {import("./settings.js").Network} Network
 * @typedef {import("./settings.js").Refusals} Refusals
 */

/** @param {{network: Network, refusals: Refusals, isBusy: boolean, onChange: (network: Network) => void}} properties `refusals` of the network */
export function Setup({ network, refusals, isBusy, onChange }) {
  const details = useRef(/** @type {HTMLDetailsElement | null} */ (null));
  const current = JSON.stringify(network);
  const form = JSON.stringify({ ...network, rates: [] }); // what is typed outlives other learning rates
  const [typed, setTyped] = useState(/** @type {{form: string, refusals: Refusals}} */ ({ form, refusals: {} })); // what of the form was not sent
  const shown = typed.form === form && Object.keys(typed.refusals).length ? typed.refusals : refusals;
  const isRefused = Boolean(shown.layers || shown.epochs || shown.seed || shown.samples);
  useEffect(() => {
    if (isRefused && details.current) details.current.open = true;
  }, [isRefused, current]);

  /** @param {SubmitEvent & {currentTarget: HTMLFormElement}} event */
  const submit = (event) => {
    event.preventDefault();
    const next = { ...readForm(new FormData(event.currentTarget)), rates: network.rates };
    const found = { ...refuse(next), rates: undefined };
    const isRight = Object.values(found).every((refusal) => !refusal);
    setTyped({ form, refusals: isRight ? {} : found });
    if (isRight) onChange(next);
  };
  /** @param {keyof Refusals} name @param {string} meaning */
  const say = (name, meaning) => html`<small id="setup-${name}">${shown[name] ? html`<strong role="alert">${shown[name]}</strong>` : meaning}</small>`;
  /** @param {keyof Refusals} name */
  const common = (name) => ({ name, required: true, "aria-describedby": `setup-${name}`, "aria-invalid": shown[name] ? "true" : undefined });
  return html`
    <section class="setup" aria-label="The network">
      <div class="choice" role="group" aria-label="Examples">
        ${Object.entries(PRESETS).map(
          ([name, preset]) => html`
            <button key=${name} title=${preset.text} aria-pressed=${JSON.stringify(preset.network) === current} onClick=${() => onChange(preset.network)}>${name}</button>
          `,
        )}
      </div>
      <p class="said quiet" role="status">${isBusy ? "Training…" : describe(network)}</p>
      <details ref=${details}>
        <summary>Change the network</summary>
        <form key=${form} onSubmit=${submit}>
          <label>Layers<input ...${common("layers")} defaultValue=${network.shape.layers.join("-")} />${say("layers", "units of each, inputs first: 2-3-1")}</label>
          <label>
            Activation
            <select name="activation">
              ${["sigmoid", "tanh", "relu"].map((name) => html`<option key=${name} value=${name} selected=${name === network.shape.activation}>${name}</option>`)}
            </select>
            <small>of every unit but the inputs</small>
          </label>
          <label>Epochs<input ...${common("epochs")} type="number" min="1" max=${MAX_EPOCHS} defaultValue=${network.epochs} />${say("epochs", `at most ${MAX_EPOCHS}`)}</label>
          <label>Start<input ...${common("seed")} type="number" min="0" max=${MAX_SEED} defaultValue=${network.seed} />${say("seed", "seed of the weights; 0: the workbook's in 2-2-2")}</label>
          <label class="check"><input name="biases" type="checkbox" defaultChecked=${network.shape.biases} />Biases</label>
          <label class="wide">Samples<textarea ...${common("samples")} rows="4" spellcheck=${false} defaultValue=${formatSamples(network.samples)}></textarea>${say("samples", "one a line: inputs : targets. A target at an end of the activation's range is approached, not reached")}</label>
          <button class="main">Train</button>
        </form>
      </details>
    </section>
  `;
}

/**
 * @param {FormData} form
 * @returns {Omit<Network, "rates">} without layers or samples where they cannot be read
 */
function readForm(form) {
  const text = (/** @type {string} */ name) => String(form.get(name) ?? "");
  const activation = /** @type {Network["shape"]["activation"]} */ (text("activation"));
  const shape = { layers: toNumbers(text("layers"), /[-,\s]+/) ?? [], activation, biases: form.has("biases") };
  return { shape, samples: parseSamples(text("samples")) ?? [], seed: Number(text("seed")), epochs: Number(text("epochs")) };
}

/** @param {Network} network */
export function describe({ shape, samples, epochs }) {
  const biases = shape.biases ? "with biases" : "no biases";
  return `${shape.layers.join("-")} network, ${shape.activation}, ${biases}, ${plural(samples.length, "sample")}, ${plural(epochs, "epoch")}`;
}
