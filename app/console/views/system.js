/** Whether all is well: queues, workers, leases and the last errors. */
import { get } from "../api.js";
import { Notice } from "../notice.js";
import { ago, size } from "../parts/format.js";
import { useLoaded } from "../parts/loading.js";
import { Empty, Facts, Waiting } from "../parts/pieces.js";
import { html } from "../view.js";

/**
 * @typedef {{id: string, kind: string, attempt: number, lease_until: string | null}} Running
 * @typedef {object} State of the service
 * @property {string} now
 * @property {Record<string, string>} versions
 * @property {string | null} champion
 * @property {{name: string, queued: number, running: number, waiting_since: string | null, hints: number | null, notice: string | null}[]} queues
 * @property {{name: string, device: string, gpu: {name: string | null, memory_bytes: number | null} | null, version: string, seen_at: string, job: Running | null}[]} workers
 * @property {Running[]} running_elsewhere
 * @property {{process: string, leads_until: string} | null} dispatcher
 *
 * @typedef {{reason?: string, jobs?: {reason: string | null}}} Readiness why predictions are not answered, or jobs would wait
 */

/** @type {Record<string, string>} */
const PLACES = { sweeps: "Sweeps", searches: "Searches", training: "Trainings", "training-cuda": "Trainings on a GPU" };

export default function System() {
  const { data, error, reload } = useLoaded(load, "system", 3);
  return html`
    <h1>System</h1>
    <p class="purpose">Whether all is well, what runs where, and what went wrong last.</p>
    ${error && html`<${Notice} title="The state could not be read" error=${error} scope="admin" onRetry=${reload} />`}
    ${!data && !error && html`<${Waiting} />`}
    ${data && html`
      <${Health} state=${data.state} health=${data.health} isOld=${error !== null} />
      <section class="block" aria-label="Queues">
        <div class="tiles">
          ${data.state.queues.map(
            (queue) => html`
              <div class="tile" key=${queue.name}>
                <h2>${PLACES[queue.name] ?? queue.name}</h2>
                <p><strong>${queue.running}</strong> running</p><p><strong>${queue.queued}</strong> waiting</p>
                ${queue.waiting_since && html`<p class="quiet">the oldest came ${ago(queue.waiting_since)}</p>`}
                ${queue.notice && html`<p class="doubt">${queue.notice}</p>`}
              </div>
            `,
          )}
        </div>
      </section>
      <${Workers} state=${data.state} />
      <${Errors} failed=${data.failed} />
      <section class="block">
        <h2>What runs here</h2>
        <${Facts} items=${[
          ["Numeral", data.state.versions.numeral], ["Python", data.state.versions.python], ["Database", data.state.versions.database], ["Schema", data.state.versions.schema],
          ["Dispatcher", data.state.dispatcher?.process ?? "none"],
          ["Redis", data.state.queues.some(({ hints }) => hints === null) ? "does not answer; jobs are found again later" : "answers"],
        ]} />
      </section>
    `}
  `;
}

/** @param {{state: State, health: Readiness, isOld: boolean}} properties */
function Health({ state, health, isOld }) {
  const worry = isOld ? "The service does not answer; this is what it said last." : health.reason ?? health.jobs?.reason ?? "";
  return html`
    <div class="health ${worry ? "ill" : ""}" role="status">
      <strong>${worry ? "Something needs you" : "All is well"}</strong>
      <p>${worry || `Version ${state.champion} answers predictions, ${state.workers.length} ${state.workers.length === 1 ? "worker is" : "workers are"} there.`}</p>
    </div>
  `;
}

/** @param {{state: State}} properties */
function Workers({ state }) {
  const [resting, lost] = [true, false].map((isResting) => state.running_elsewhere.filter(({ lease_until: lease }) => (lease === null) === isResting));
  return html`
    <section class="block">
      <h2>Workers</h2>
      ${state.workers.length
        ? html`
            <table class="list">
              <thead><tr><th scope="col">Worker</th><th scope="col">Device</th><th scope="col">Job</th><th scope="col" class="right wide">Lease</th><th scope="col" class="right">Seen</th></tr></thead>
              <tbody>
                ${state.workers.map(
                  ({ name, device, gpu, job, seen_at: seenAt }) => html`
                    <tr key=${name}>
                      <th scope="row">${name}</th><td>${gpu ? `${gpu.name ?? "GPU"}${gpu.memory_bytes ? `, ${size(gpu.memory_bytes)}` : ""}` : device}</td>
                      <td>${job ? html`<${JobLink} job=${job} />` : html`<span class="quiet">idle</span>`}</td>
                      <td class="right wide"><${Lease} job=${job} now=${state.now} /></td><td class="right quiet">${since(seenAt, state.now)}</td>
                    </tr>
                  `,
                )}
              </tbody>
            </table>
          `
        : html`<${Empty} title="No worker in the last minute"><p>Jobs wait until there is one: <code>numeral worker</code>, on this machine or another.</p><//>`}
      ${state.workers.length > 0 && html`<p class="remark">Each worker takes one kind of job, and one job at a time: it may be idle while others wait.</p>`}
      ${resting.map((job) => html`<p class="remark" key=${job.id}><${JobLink} job=${job} /> waits for its trials, and needs no worker meanwhile.</p>`)}
      ${lost.length > 0 && html`
        <div class="notice lost"><strong>Jobs whose worker is lost</strong>
          ${lost.map((job) => html`<p key=${job.id}><${JobLink} job=${job} /> <span class="quiet">runs again when its lease ends: <${Lease} job=${job} now=${state.now} /></span></p>`)}
        </div>
      `}
    </section>
  `;
}

/** @param {{failed: import("../train/runs.js").Job[]}} properties */
function Errors({ failed }) {
  return html`
    <section class="block">
      <h2>The last errors</h2>
      ${failed.length
        ? html`
            <table class="list">
              <thead><tr><th scope="col">Job</th><th scope="col">What happened</th><th scope="col" class="right">When</th></tr></thead>
              <tbody>
                ${failed.map(
                  (job) => html`
                    <tr key=${job.id}>
                      <th scope="row"><${JobLink} job=${job} /></th>
                      <td class="detail"><strong>${job.error?.reason.replaceAll("_", " ")}</strong> ${job.error?.detail}</td>
                      <td class="right quiet">${job.finished_at && ago(job.finished_at)}</td>
                    </tr>
                  `,
                )}
              </tbody>
            </table>
          `
        : html`<${Empty} title="No job has failed" />`}
    </section>
  `;
}

/** @param {{job: {id: string, kind: string, name?: string | null}}} properties */
function JobLink({ job }) {
  const text = job.name ?? job.kind.replaceAll("_", " ").replace("mnist ", "");
  return ["mnist_training", "training_search"].includes(job.kind) ? html`<a href="#/train/${job.id}">${text}</a>` : html`<span title=${job.id}>${text}</span>`;
}

/** @param {{job: Running | null, now: string}} properties */
function Lease({ job, now }) {
  if (!job?.lease_until) return html`<span class="quiet">–</span>`;
  const left = Math.round((Date.parse(job.lease_until) - Date.parse(now)) / 1000);
  return html`<span>${left > 0 ? `${left} s left` : "has ended"}</span>`;
}

/**
 * @param {string} time
 * @param {string} now both by the database's clock
 */
function since(time, now) {
  return `${Math.max(0, Math.round((Date.parse(now) - Date.parse(time)) / 1000))} s ago`;
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<{state: State, health: Readiness, failed: import("../train/runs.js").Job[]}>}
 */
async function load(signal) {
  const [state, failed, health] = await Promise.all([
    get("/v1/system", signal),
    get("/v1/jobs?status=failed&limit=10", signal),
    get("/readyz", signal).catch((error) => ({ reason: error.message })),
  ]);
  return { state, failed: failed.items, health };
}
