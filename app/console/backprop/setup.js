/** What is trained: an example, or layers, activation, biases and samples of one's own. */
import { plural } from "../parts/format.js";
import { html, useState } from "../view.js";
import { MAX_EPOCHS, PRESETS, formatSamples, parseSamples, toNumbers } from "./settings.js";

/**
 * @typedef {import("./settings.js").Network} Network
 */

const MAX_UNITS = 8; // of a layer: more would not fit into the graph
const MAX_LAYERS = 5;

/** @param {{network: Network, isBusy: boolean, onChange: (network: Network) => void}} properties */
export function Setup({ network, isBusy, onChange }) {
  const [refusal, setRefusal] = useState("");
  const current = JSON.stringify(network);

  /** @param {SubmitEvent & {currentTarget: HTMLFormElement}} event */
  const submit = (event) => {
    event.preventDefault();
    try {
      onChange({ ...readForm(new FormData(event.currentTarget)), rates: network.rates });
      setRefusal("");
    } catch (error) {
      setRefusal(/** @type {Error} */ (error).message);
    }
  };
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
      <details>
        <summary>Change the network</summary>
        <form key=${current} onSubmit=${submit}>
          <label>Layers<input name="layers" defaultValue=${network.shape.layers.join("-")} required /><small>units of each, inputs first: 2-3-1</small></label>
          <label>
            Activation
            <select name="activation">
              ${["sigmoid", "tanh", "relu"].map((name) => html`<option key=${name} value=${name} selected=${name === network.shape.activation}>${name}</option>`)}
            </select>
            <small>of every unit but the inputs</small>
          </label>
          <label>Epochs<input name="epochs" type="number" min="1" max=${MAX_EPOCHS} defaultValue=${network.epochs} required /><small>at most ${MAX_EPOCHS}</small></label>
          <label>Start<input name="seed" type="number" min="0" max="2147483647" defaultValue=${network.seed} required /><small>seed of the weights; 0: the workbook's in 2-2-2</small></label>
          <label class="check"><input name="biases" type="checkbox" defaultChecked=${network.shape.biases} />Biases</label>
          <label class="wide">Samples<textarea name="samples" rows="4" spellcheck=${false} required defaultValue=${formatSamples(network.samples)}></textarea><small>one a line: inputs : targets. A target at an end of the activation's range is approached, not reached</small></label>
          <p class="refusal" role="alert">${refusal}</p>
          <button class="main">Train</button>
        </form>
      </details>
    </section>
  `;
}

/**
 * @param {FormData} form
 * @returns {Omit<Network, "rates">} Raises an Error whose message says what to change.
 */
function readForm(form) {
  const text = (/** @type {string} */ name) => String(form.get(name) ?? "");
  const layers = toNumbers(text("layers"), /[-,\s]+/);
  const areLayers = layers?.every((units) => Number.isInteger(units) && units >= 1 && units <= MAX_UNITS);
  if (!layers || !areLayers || layers.length < 2 || layers.length > MAX_LAYERS) {
    throw new Error(`Layers are 2 to ${MAX_LAYERS} whole numbers up to ${MAX_UNITS}, such as 2-3-1.`);
  }
  const samples = parseSamples(text("samples"));
  const [width, outputs] = [layers[0], layers[layers.length - 1]];
  if (!samples || samples.some(({ inputs, targets }) => inputs.length !== width || targets.length !== outputs)) {
    throw new Error(`Each line of the samples needs ${plural(width, "input")}, a colon and ${plural(outputs, "target")}: the first and the last layer say so.`);
  }
  const activation = /** @type {Network["shape"]["activation"]} */ (text("activation"));
  const shape = { layers, activation, biases: form.has("biases") };
  return { shape, samples, seed: Number(text("seed")), epochs: Number(text("epochs")) };
}

/** @param {Network} network */
function describe({ shape, samples, epochs }) {
  const biases = shape.biases ? "with biases" : "no biases";
  return `${shape.layers.join("-")} network, ${shape.activation}, ${biases}, ${plural(samples.length, "sample")}, ${plural(epochs, "epoch")}`;
}
