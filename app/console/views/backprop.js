/** How a small network learns: its numbers at every epoch, at several learning rates, derived step by step. */
import { ApiError } from "../api.js";
import { Curves } from "../backprop/curves.js";
import { Graph } from "../backprop/graph.js";
import { backward, forward, gradientOf } from "../backprop/network.js";
import { digits } from "../backprop/numbers.js";
import { Panels } from "../backprop/panels.js";
import { Rates } from "../backprop/rates.js";
import { placeRefusals, readQuery, refuse, toQuery } from "../backprop/settings.js";
import { Setup, describe } from "../backprop/setup.js";
import { Stepper } from "../backprop/stepper.js";
import { derive } from "../backprop/steps.js";
import { train } from "../backprop/sweep.js";
import { Timeline } from "../backprop/timeline.js";
import { Choice } from "../choice.js";
import { Notice } from "../notice.js";
import { keepRoute } from "../route.js";
import { html, useEffect, useMemo, useState } from "../view.js";

/**
 * @typedef {import("../backprop/settings.js").Network} Network
 * @typedef {import("../backprop/settings.js").Look} Look
 * @typedef {import("../backprop/sweep.js").Sweep} Sweep
 */

const MAX_BUTTONS = 8; // of samples

/** @param {{query: URLSearchParams, onKey: () => void}} properties */
export default function Backprop({ query, onKey }) {
  const [{ network, look }, setState] = useState(() => readQuery(query));
  const [sweep, setSweep] = useState(/** @type {Sweep | null} */ (null));
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const [attempt, setAttempt] = useState(0);
  const [isWaiting, setWaiting] = useState(false);
  const wanted = JSON.stringify(network);

  useEffect(() => setState(readQuery(query)), [query]); // another address was opened
  useEffect(() => keepRoute("backprop", toQuery(network, look)), [network, look]);
  useEffect(() => {
    const control = new AbortController();
    setError(null);
    if (Object.keys(refuse(network)).length) return;
    train(network, control.signal, () => setWaiting(true))
      .then(setSweep)
      .catch((reason) => control.signal.aborted || setError(reason))
      .finally(() => setWaiting(false));
    return () => control.abort();
  }, [wanted, attempt]);

  const look_at = (/** @type {Partial<Look>} */ change) => setState((state) => ({ ...state, look: { ...state.look, ...change } }));
  const trainOther = (/** @type {Network} */ next, /** @type {number | undefined} */ chosen) =>
    setState((state) => {
      const preferred = chosen ?? state.look.rate;
      const rate = next.rates.includes(preferred) ? preferred : next.rates[next.rates.length - 1];
      const isSame = JSON.stringify({ ...next, rates: [] }) === JSON.stringify({ ...state.network, rates: [] });
      return { network: next, look: isSame ? { ...state.look, rate } : { ...state.look, rate, epoch: 0, step: 0, sample: 0 } };
    });
  const refusals = error ? placeRefusals(error) : refuse(network);
  const isRefused = Object.keys(refusals).length > 0;
  const isOld = JSON.stringify(sweep?.network) !== wanted;
  const isBusy = isOld && !error && !isRefused;
  const retry = () => setAttempt(attempt + 1);
  return html`
    <h1>Backpropagation</h1>
    <p class="purpose">Watch a small network learn: every weight, gradient and loss at any epoch, and where the numbers come from.</p>
    <div class="backprop">
      <${Setup} network=${network} refusals=${refusals} isBusy=${isBusy} onChange=${trainOther} />
      ${refusals.rates && html`<p class="notice bad" role="alert">${refusals.rates}</p>`}
      ${error && !isRefused && html`<${Notice} title="This could not be trained" error=${error} scope="train" onRetry=${retry} onKey=${() => (retry(), onKey())} />`}
      ${isWaiting && html`<p class="notice" role="status">No worker has finished it yet. It appears here as soon as one has.</p>`}
      ${sweep
        ? html`${isOld && !isBusy && html`<p class="quiet" role="status">Below is still the network before: ${describe(sweep.network)}.</p>`}
          <div class="lab ${isBusy ? "busy" : isOld ? "old" : ""}" aria-busy=${isBusy}>
            <${Lab} sweep=${sweep} look=${look} onLook=${look_at} onRates=${(/** @type {number[]} */ rates, /** @type {number} */ chosen) => trainOther({ ...network, rates }, chosen)} />
          </div>`
        : isBusy && html`<div class="empty" aria-hidden="true"></div>`}
    </div>
  `;
}

/**
 * @param {object} properties
 * @param {Sweep} properties.sweep
 * @param {Look} properties.look
 * @param {(change: Partial<Look>) => void} properties.onLook
 * @param {(rates: number[], chosen: number) => void} properties.onRates
 */
function Lab({ sweep, look, onLook, onRates }) {
  const { network, trials, epochs } = sweep;
  const [pointed, setPointed] = useState("");
  const [pointedEpoch, setPointedEpoch] = useState(/** @type {number | null} */ (null));
  const [isStepping, setStepping] = useState(look.step > 0);
  const found = trials.findIndex((trial) => trial.learning_rate === look.rate);
  const trial = trials[found < 0 ? trials.length - 1 : found];
  const index = nearest(epochs, look.epoch);
  const sample = Math.min(Math.max(look.sample, 0), network.samples.length - 1);
  const parameters = trial.weights[index];
  const hasNumbers = parameters.every((weight) => weight !== null);

  const moment = useMemo(() => {
    const { inputs, targets } = network.samples[sample];
    const pass = forward(network.shape, parameters, inputs);
    return {
      shape: network.shape,
      parameters,
      targets,
      pass,
      gradients: backward(network.shape, parameters, pass, targets),
      meanGradient: gradientOf(network.shape, parameters, network.samples),
      samples: network.samples.length,
      rate: trial.learning_rate,
    };
  }, [sweep, parameters, sample]);
  const steps = useMemo(() => derive(moment), [moment]);
  const step = Math.min(Math.max(look.step, 0), steps.length - 1);
  const toStep = (/** @type {number} */ next) => {
    setStepping(true);
    onLook({ step: next });
  };
  const note = `η ${trial.learning_rate}, epoch ${epochs[index]}${network.samples.length > 1 ? `, sample ${sample + 1} of ${network.samples.length}` : ""}`;
  return html`
    <${Rates} sweep=${sweep} rate=${trial.learning_rate} epoch=${pointedEpoch ?? epochs[index]} onChoose=${(/** @type {number} */ rate) => onLook({ rate })} onChange=${onRates} />
    <div class="twin">
      <section class="net" aria-labelledby="net-title">
        <div class="bar">
          <h2 id="net-title">Network</h2>
          <${Choice} label="Links show" options=${[[false, "Weights"], [true, "Gradients"]]} value=${look.hasGradients} onChoose=${(/** @type {boolean} */ hasGradients) => onLook({ hasGradients })} />
        </div>
        ${hasNumbers
          ? html`<${Graph} moment=${moment} hasGradients=${look.hasGradients} step=${isStepping ? steps[step] : undefined} onPoint=${setPointed} />`
          : html`<p class="notice">The weights of this learning rate overflowed before this epoch. Choose an earlier epoch or a smaller rate.</p>`}
        <p class="readout">${pointed || html`<span class="key plus">positive</span><span class="key minus">negative</span> Point at a link or a unit, or tap it, for its exact numbers.`}</p>
        ${network.samples.length > 1 && html`<${Samples} samples=${network.samples} value=${sample} onChoose=${(/** @type {number} */ each) => onLook({ sample: each })} />`}
      </section>
      <section class="loss" aria-labelledby="loss-title">
        <div class="bar">
          <h2 id="loss-title">Loss</h2>
          <${Choice} label="Scale of the loss" options=${[[false, "Linear"], [true, "Log"]]} value=${look.isLog} onChoose=${(/** @type {boolean} */ isLog) => onLook({ isLog })} />
        </div>
        <${Curves} trials=${trials} rate=${trial.learning_rate} epoch=${epochs[index]} isLog=${look.isLog} onPoint=${setPointedEpoch} onEpoch=${(/** @type {number} */ epoch) => onLook({ epoch: epochs[nearest(epochs, epoch)] })} />
        <p class="readout">
          ${pointedEpoch === null ? "" : `Epoch ${pointedEpoch}: `}η ${trial.learning_rate} has the loss <strong data-loss>${digits(trial.loss[Math.min(pointedEpoch ?? epochs[index], trial.loss.length - 1)], 12)}</strong>; in the end: ${trial.outcome}
        </p>
        ${sweep.notes.map((note) => html`<p class="quiet" key=${note}>${note}</p>`)}
      </section>
    </div>
    <${Timeline} epochs=${epochs} index=${index} onIndex=${(/** @type {number} */ next) => onLook({ epoch: epochs[next] })} />
    ${hasNumbers && html`<${Stepper} steps=${steps} current=${step} onStep=${toStep} note=${note} />`}
    <${Panels} sweep=${sweep} rate=${trial.learning_rate} index=${index} isLog=${look.isLog} />
  `;
}

/**
 * Buttons for a few, a list for more.
 * @param {object} properties
 * @param {import("../backprop/network.js").Sample[]} properties.samples
 * @param {number} properties.value
 * @param {(sample: number) => void} properties.onChoose
 */
function Samples({ samples, value, onChoose }) {
  const options = samples.map(({ inputs, targets }, sample) => /** @type {[number, string]} */ ([sample, `${inputs.join(", ")} → ${targets.join(", ")}`]));
  if (samples.length <= MAX_BUTTONS) return html`<${Choice} label="Sample" options=${options} value=${value} onChoose=${onChoose} />`;
  return html`
    <label class="sample">
      Sample
      <select aria-label="Sample" value=${value} onChange=${(/** @type {{currentTarget: HTMLSelectElement}} */ { currentTarget }) => onChoose(Number(currentTarget.value))}>
        ${options.map(([sample, text]) => html`<option key=${sample} value=${sample} selected=${sample === value}>${sample + 1}: ${text}</option>`)}
      </select>
    </label>
  `;
}

/**
 * @param {number[]} epochs in ascending order
 * @param {number} epoch
 * @returns {number} the index of the one nearest to it
 */
function nearest(epochs, epoch) {
  return epochs.reduce((best, each, index) => (Math.abs(each - epoch) < Math.abs(epochs[best] - epoch) ? index : best), 0);
}
