/** The list of runs: trainings or searches, newest first. */
import { get } from "../api.js";
import { Choice } from "../choice.js";
import { ago, duration, percent, plural, short } from "../parts/format.js";
import { useLoaded } from "../parts/loading.js";
import { Empty, Status, Waiting } from "../parts/pieces.js";
import { Notice } from "../notice.js";
import { html, useState } from "../view.js";
import { Sparkline } from "./curves.js";

const MAX_COMPARED = 20;
/** @type {[string, string][]} */
const KINDS = [["mnist_training", "Trainings"], ["training_search", "Searches"]];

/**
 * @typedef {object} Job
 * @property {string} id
 * @property {string} kind
 * @property {string} status
 * @property {string | null} name
 * @property {string[]} tags
 * @property {Record<string, any>} spec
 * @property {number} attempt
 * @property {boolean} cancel_requested
 * @property {{done: number, total: number, unit: string, eta_seconds: number | null} | null} progress
 * @property {{reason: string, detail: string} | null} error
 * @property {{job: string, step: number, why: string} | null} origin
 * @property {{id: string, role: string, trial: number} | null} search
 * @property {string} created_at
 * @property {string | null} started_at
 * @property {string | null} finished_at
 * @property {string | null} [notice]
 * @property {any} [result]
 * @property {import("./curves.js").Epoch[]} [epochs]
 */

/** @param {{query: URLSearchParams}} properties */
export function Runs({ query }) {
  const kind = query.get("kind") === "training_search" ? "training_search" : "mnist_training";
  const [pages, setPages] = useState(1);
  const [chosen, setChosen] = useState(/** @type {string[]} */ ([]));
  const { data, error, reload } = useLoaded((signal) => load(kind, pages, signal), `${kind} ${pages}`, 3);

  /** @param {string} id */
  const choose = (id) => setChosen(chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id].slice(-MAX_COMPARED));
  const isTraining = kind === "mnist_training";
  return html`
    <header class="title">
      <div><h1>Train</h1><p class="purpose">Train a network on digits, watch it learn, and see what it still gets wrong.</p></div>
      <a class="button main" href="#/train/new?kind=${kind}">${isTraining ? "New training" : "New search"}</a>
    </header>
    <div class="bar">
      <${Choice} label="Kind of run" options=${KINDS} value=${kind} onChoose=${(/** @type {string} */ name) => (location.hash = `#/train?kind=${name}`)} />
      ${isTraining && data && data.jobs.length > 1 && html`
        <div class="bar chosen">
          <span class="quiet">${["Choose runs to compare them", "Choose another one"][chosen.length] ?? `${chosen.length} chosen`}</span>
          ${chosen.length > 1
            ? html`<a class="button" href="#/train/compare?ids=${chosen.join(",")}">Compare ${chosen.length} runs</a>`
            : html`<button disabled>Compare</button>`}
        </div>
      `}
    </div>
    ${error && html`<${Notice} title="The runs could not be listed" error=${error} scope="train" onRetry=${reload} />`}
    ${!data && !error && html`<${Waiting} />`}
    ${data?.jobs.length === 0 && html`
      <${Empty} title=${isTraining ? "No training yet" : "No search yet"}>
        <p>${isTraining
          ? "Start one: the recipe quick takes a few seconds on optdigits, a minute or two on MNIST."
          : "A search trains many networks with other settings each, and keeps the best one."}</p>
        <p><a class="button main" href="#/train/new?kind=${kind}">${isTraining ? "Start the first training" : "Start the first search"}</a></p>
      <//>
    `}
    ${data && data.jobs.length > 0 && html`
      <table class="list runs">
        <thead>
          <tr>
            ${isTraining && html`<td></td>`}
            <th scope="col">Run</th><th scope="col">State</th>
            ${isTraining && html`<th scope="col" class="wide">Accuracy by epoch</th><th scope="col" class="right">Validation</th><th scope="col" class="right wide">Test</th>`}
            <th scope="col" class="right wide">Submitted</th>
          </tr>
        </thead>
        <tbody>
          ${data.jobs.map((job) => {
            const compared = data.compared[job.id];
            return html`
              <tr key=${job.id}>
                ${isTraining && html`<td class="pick"><input type="checkbox" aria-label="Compare ${describe(job)}" checked=${chosen.includes(job.id)} onChange=${() => choose(job.id)} /></td>`}
                <th scope="row"><a href="#/train/${job.id}">${describe(job)}</a><span class="quiet">${settings(job)}</span></th>
                <td><${State} job=${job} /></td>
                ${isTraining && html`
                  <td class="wide"><${Sparkline} epochs=${compared?.epochs ?? []} /></td>
                  <td class="right">${percent(compared?.best_validation_accuracy)}</td>
                  <td class="right wide">${percent(compared?.test_accuracy)}</td>
                `}
                <td class="right quiet wide">${ago(job.created_at)}</td>
              </tr>
            `;
          })}
        </tbody>
      </table>
      ${data.hasMore && html`<p class="tools"><button onClick=${() => setPages(pages + 1)}>Older runs</button></p>`}
    `}
  `;
}

/** @param {{job: Job}} properties */
function State({ job }) {
  const { progress } = job;
  const isOpen = job.status === "running" && progress;
  return html`
    <${Status} status=${job.cancel_requested ? "cancelling" : job.status} />
    ${isOpen && html`<${Progress} job=${job} />`}
  `;
}

/** @param {{job: Job, least?: number}} properties `least`: the share that is certainly done, where more is known of it */
export function Progress({ job: { progress }, least = 0 }) {
  if (!progress) return null;
  const share = Math.max(least, progress.total ? progress.done / progress.total : 0);
  const left = progress.eta_seconds == null ? "" : `, ${duration(progress.eta_seconds)} left`;
  return html`
    <span class="progress">
      <progress max="1" value=${share} aria-label="Progress"></progress>
      <span>${share < 1 ? `${percent(share, 0)}${left}` : "trained, now tested"}</span>
    </span>
  `;
}

/** @param {Job} job */
export function describe({ name, kind, spec, search }) {
  if (name) return name;
  if (kind === "training_search") return `Search over ${Object.keys(spec.space).map((field) => field.replaceAll("_", " ")).join(", ")}`;
  if (search) return search.role === "winner" ? "Winner of a search" : `Trial ${search.trial} of a search`;
  return `${spec.recipe} on ${spec.dataset}`;
}

/** @param {Job} job */
function settings({ kind, name, spec }) {
  if (kind === "training_search") return `${spec.base.dataset ?? "mnist"}, ${spec.base.recipe ?? "fast"}, ${spec.sampler}, ${plural(spec.trials, "trial")}`;
  const what = name ? `${spec.recipe} on ${spec.dataset}, ` : "";
  return `${what}${plural(spec.epochs, "epoch")}, rate ${short(spec.learning_rate)}, seed ${spec.seed}`;
}

/**
 * @param {string} kind
 * @param {number} pages
 * @param {AbortSignal} signal
 */
async function load(kind, pages, signal) {
  /** @type {Job[]} */
  let jobs = [];
  let cursor = "";
  for (let page = 0; page < pages && (page === 0 || cursor); page++) {
    const found = await get(`/v1/jobs?kind=${kind}&limit=100${cursor && `&cursor=${cursor}`}`, signal);
    jobs = [...jobs, ...found.items.filter((/** @type {Job} */ job) => job.search?.role !== "trial")]; // those are listed by their search
    cursor = found.next_cursor ?? "";
  }
  return { jobs, compared: kind === "mnist_training" ? await compare(jobs, signal) : {}, hasMore: cursor !== "" };
}

/** @type {Map<string, any>} what is known of each run in a state that it does not leave but by a retry */
const ended = new Map();

/**
 * @param {Job[]} jobs
 * @param {AbortSignal} signal
 * @returns {Promise<Record<string, any>>} the epochs and accuracies of each
 */
async function compare(jobs, signal) {
  /** @param {Job} job */
  const state = ({ id, attempt, status }) => `${id} ${attempt} ${status}`;
  const asked = jobs.filter((job) => !ended.has(state(job)));
  /** @type {Record<string, any>} */
  const found = Object.fromEntries(jobs.map((job) => [job.id, ended.get(state(job))]));
  for (let start = 0; start < asked.length; start += MAX_COMPARED) {
    const some = asked.slice(start, start + MAX_COMPARED);
    const { items } = await get(`/v1/jobs/compare?ids=${some.map((job) => job.id).join(",")}`, signal);
    some.forEach((job, place) => {
      found[job.id] = items[place];
      if (job.finished_at && items[place].status === job.status) ended.set(state(job), items[place]);
    });
  }
  return found;
}
