/** The learning rates as chips, which are the legend of the curves too, and where they lie beside the critical one. */
import { html, useState } from "../view.js";
import { digits, short } from "./numbers.js";
import { MAX_RATE, MAX_RATES, MIN_RATE } from "./settings.js";

/**
 * @typedef {import("./sweep.js").Sweep} Sweep
 */

/**
 * @param {object} properties
 * @param {Sweep} properties.sweep
 * @param {number} properties.rate that is looked at
 * @param {number} properties.epoch
 * @param {(rate: number) => void} properties.onChoose
 * @param {(rates: number[], chosen: number) => void} properties.onChange
 */
export function Rates({ sweep, rate, epoch, onChoose, onChange }) {
  const rates = sweep.network.rates;
  const [refusal, setRefusal] = useState("");

  /** @param {number} added */
  const add = (added) => onChange([...rates, added].sort((a, b) => a - b), added);
  /** @param {SubmitEvent & {currentTarget: HTMLFormElement}} event */
  const submit = (event) => {
    event.preventDefault();
    const added = Number(String(new FormData(event.currentTarget).get("rate")).replace(",", "."));
    const problem = whyNot(added, rates);
    setRefusal(problem);
    if (problem) return;
    event.currentTarget.reset();
    add(added);
  };
  return html`
    <div class="rates">
      <ul class="chips" aria-label="Learning rates">
        ${sweep.trials.map(({ learning_rate, loss, outcome }, index) => {
          const now = loss[Math.min(epoch, loss.length - 1)];
          return html`
            <li key=${learning_rate} class="chip series-${(index % 6) + 1} ${index >= 6 ? "dashed" : ""} ${learning_rate === rate ? "chosen" : ""}">
              <button aria-pressed=${learning_rate === rate} onClick=${() => onChoose(learning_rate)} title="Loss ${digits(now, 17)} after epoch ${epoch}; in the end: ${outcome}">
                <span class="swatch" aria-hidden="true"></span>
                <span class="figure">η ${learning_rate}</span>
                <span class="loss" data-loss=${now}>${digits(now, 4)}</span>
                <span class="outcome ${outcome}">${outcome}</span>
              </button>
              ${rates.length > 1 &&
              html`<button class="remove" aria-label="Remove learning rate ${learning_rate}" onClick=${() => onChange(rates.filter((other) => other !== learning_rate), rate)}>×</button>`}
            </li>
          `;
        })}
        <li class="chip add">
          <form onSubmit=${submit}>
            <label class="heard" for="new-rate">Another learning rate</label>
            <input id="new-rate" name="rate" inputmode="decimal" placeholder="add rate" size="7" autocomplete="off" aria-describedby="rate-refusal" />
            <button>Add</button>
          </form>
        </li>
      </ul>
      <p id="rate-refusal" class="refusal" role="alert">${refusal}</p>
      <${Scale} sweep=${sweep} rate=${rate} onAdd=${rates.length < MAX_RATES ? add : null} />
    </div>
  `;
}

/**
 * Where the rates lie: the regions in which training behaves alike, and the critical rate between two of them.
 * @param {{sweep: Sweep, rate: number, onAdd: ((rate: number) => void) | null}} properties
 */
function Scale({ sweep, rate, onAdd }) {
  const { critical, convergence, network } = sweep;
  const marks = [critical, convergence.begins, convergence.ends].filter((each) => each !== null);
  const low = Math.log10(Math.min(...network.rates, ...marks)) - 0.35;
  const high = Math.log10(Math.max(...network.rates, ...marks)) + 0.35;
  const place = (/** @type {number} */ value) => `${((100 * (Math.log10(value) - low)) / (high - low)).toFixed(2)}%`;
  const { begins, ends } = convergence;
  return html`
    <figure class="scale">
      <div class="line" aria-hidden="true">
        ${begins !== null && html`<span class="converges" style=${{ left: place(begins), right: ends === null ? "0" : `calc(100% - ${place(ends)})` }}></span>`}
        ${critical !== null && html`<span class="rises" style=${{ left: place(critical), right: "0" }}></span>`}
        ${network.rates.map((each, index) => html`<span key=${each} class="dot series-${(index % 6) + 1} ${index >= 6 ? "dashed" : ""} ${each === rate ? "chosen" : ""}" style=${{ left: place(each) }}></span>`)}
        ${critical !== null && html`<span class="critical" style=${{ left: place(critical) }}><b>critical ${short(critical)}</b></span>`}
      </div>
      <figcaption>
        ${critical === null ? html`<span>The loss rises at no learning rate up to 1,000.</span>` : html`<span class="key rises">From <strong data-critical=${critical}>${critical}</strong>, the critical learning rate, the loss rises in some epoch.</span>`}
        ${begins !== null && html`<span class="key converges">Every rate from ${short(begins)} ${ends === null ? "on" : `to ${short(ends)}`} converges within ${network.epochs} epochs${ends === null ? "" : "; of those above, only some"}.</span>`}
        ${critical !== null && onAdd && !network.rates.includes(critical) && html`<button class="plain" onClick=${() => onAdd(critical)}>Try the critical rate</button>`}
      </figcaption>
    </figure>
  `;
}

/**
 * @param {number} rate
 * @param {number[]} rates
 * @returns {string} why it cannot be added; empty if it can
 */
function whyNot(rate, rates) {
  if (!(rate >= MIN_RATE && rate <= MAX_RATE)) return "A learning rate is a number above 0, such as 0.3, and at most a million.";
  if (rates.includes(rate)) return `${rate} is there already.`;
  return rates.length >= MAX_RATES ? `There is room for ${MAX_RATES} rates: remove one first.` : "";
}
