/** The trials of a search. */
import { get } from "../api.js";
import { duration, percent, plural, short, words } from "../parts/format.js";
import { useLoaded } from "../parts/loading.js";
import { Empty, Picture, Refusal, Status, Waiting } from "../parts/pieces.js";
import { html } from "../view.js";

const MAX_TOP = 5; // trials that are laid over each other

/**
 * @typedef {object} Trial
 * @property {number} number
 * @property {Record<string, unknown>} params
 * @property {string} status
 * @property {number | null} value
 * @property {string} job_id
 * @property {number} epochs
 * @property {number | null} seconds
 */

/** @param {{job: import("./runs.js").Job}} properties */
export function Trials({ job }) {
  const isOpen = ["queued", "running"].includes(job.status);
  const { data, error } = useLoaded(
    (signal) => /** @type {Promise<{items: Trial[], best: number | null}>} */ (get(`/v1/jobs/${job.id}/trials`, signal)),
    `${job.id} ${job.status}`,
    isOpen ? 2 : 0,
  );
  if (!data) return error ? html`<${Refusal} error=${error} />` : html`<${Waiting} />`;
  if (!data.items.length) return html`<${Empty} title="No trial yet"><p>${job.status === "queued" ? "The first ones come as soon as a worker takes the search." : "The first ones are about to be queued."}</p><//>`;
  const names = Object.keys(job.spec.space);
  const measured = data.items.filter(({ value }) => value !== null);
  const top = measured.sort((a, b) => Number(b.value) - Number(a.value)).slice(0, MAX_TOP);
  const best = data.items.find(({ number }) => number === data.best);
  return html`
    ${best && html`
      <div class="headline">
        <p class="number">${percent(best.value)}</p>
        <p>of the validation set by trial ${best.number}, with ${names.map((name) => `${name.replaceAll("_", " ")} ${show(best.params[name])}`).join(", ")}</p>
      </div>
    `}
    ${job.result?.winner.model_version && html`
      <p class="notice"><a href="#/models/${job.result.winner.model_version}">Version ${job.result.winner.model_version}</a> is the network of trial ${job.result.best.number}: ${percent(job.result.winner.test?.accuracy)} of the test set. <a href="#/train/${job.result.winner.job_id}">How it was tested</a></p>
    `}
    <section class="block">
      <div class="bar">
        <h2>${plural(data.items.length, "trial")} of ${job.spec.trials}</h2>
        ${top.length > 1 && html`<a class="button small" href="#/train/compare?ids=${top.map((trial) => trial.job_id).join(",")}">Compare the best ${top.length} trials</a>`}
      </div>
      <div class="scroll" tabindex="0" role="group" aria-label="Trials">
        <table class="list figures">
          <thead>
            <tr><th scope="col">Trial</th>${names.map((name) => html`<th scope="col" key=${name}>${words(name)}</th>`)}<th scope="col">State</th><th scope="col">Validation</th><th scope="col">Epochs</th><th scope="col">Time</th></tr>
          </thead>
          <tbody>
            ${data.items.map(
              (trial) => html`
                <tr key=${trial.number} class=${trial.number === data.best ? "best" : ""}>
                  <th scope="row"><a href="#/train/${trial.job_id}">${trial.number}</a></th>
                  ${names.map((name) => html`<td key=${name}>${show(trial.params[name])}</td>`)}
                  <td><${Status} status=${trial.status} /></td><td>${percent(trial.value)}</td><td>${trial.epochs}</td><td>${duration(trial.seconds)}</td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
    </section>
    ${!isOpen && data.best !== null && html`
      <div class="columns">
        <section class="block"><h2>Every trial through its settings</h2><${Picture} path="/v1/jobs/${job.id}/parallel.svg?theme=${theme()}" alt="Parallel coordinates of the trials" /></section>
        ${job.result && names.length > 1 && html`<section class="block"><h2>How much each setting mattered</h2><${Picture} path="/v1/jobs/${job.id}/importance.svg?theme=${theme()}" alt="Importance of each setting" /></section>`}
      </div>
    `}
  `;
}

/** Of the figures that the service draws. */
function theme() {
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** @param {unknown} value */
function show(value) {
  return typeof value === "number" ? short(value) : String(value ?? "none");
}
