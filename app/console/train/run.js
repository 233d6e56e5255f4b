/** One run: its curves as they grow, and its result. */
import { get, tell } from "../api.js";
import { follow } from "../events.js";
import { Notice } from "../notice.js";
import { Accuracy, Confusion, Hardest, PerDigit } from "../parts/evaluation.js";
import { ago, duration, moment, percent, plural } from "../parts/format.js";
import { useAction, useLoaded } from "../parts/loading.js";
import { Confirmed, Download, Empty, Facts, Refusal, Status, Waiting } from "../parts/pieces.js";
import { html, useEffect, useState } from "../view.js";
import { MoreTrials, RetryWithChanges } from "./again.js";
import { Curves, EpochTable } from "./curves.js";
import { Progress, describe } from "./runs.js";
import { Trials } from "./search.js";

/**
 * @typedef {import("./runs.js").Job} Job
 * @typedef {import("../events.js").JobEvent} JobEvent
 */

const ENDED = ["succeeded", "failed", "cancelled"];

/** @type {Record<string, string>} what to do about each reason of a failure */
const ADVICE = {
  error: "Retry it with changes, or make a new run like this.",
  worker_lost: "Its worker ended three times. Look at the workers in System and at the service's log, then retry.",
  out_of_memory: "The machine had too little memory. Close other programs or choose a smaller batch, then retry.",
  stalled: "Its worker made no step for too long. Look at the machine's load, then retry.",
  time_limit: "It took longer than its time limit. Start it again with fewer epochs or a longer limit.",
};

/** @param {{id: string}} properties */
export function Run({ id }) {
  const [attempt, setAttempt] = useState(0); // of following the events: another one after each retry
  const { events, isLive, lastStatus, error: streamError } = useEvents(id, attempt);
  const hasEnded = ENDED.includes(lastStatus?.data.status);
  const { data: job, error, reload } = useLoaded((signal) => /** @type {Promise<Job>} */ (get(`/v1/jobs/${id}`, signal)), id, hasEnded ? 0 : 2);
  useEffect(() => {
    if (lastStatus) reload();
  }, [lastStatus?.id]);
  const epochs = collectEpochs(events);
  const followAgain = () => {
    setAttempt(attempt + 1);
    reload();
  };

  const cancel = useAction(async () => {
    await tell("POST", `/v1/jobs/${id}/cancel`);
    reload();
  });
  const retry = useAction(async () => {
    await tell("POST", `/v1/jobs/${id}/retry`);
    followAgain();
  });
  const remove = async () => {
    await tell("DELETE", `/v1/jobs/${id}`);
    location.hash = "#/train";
  };
  if (!job) {
    const problem = error ?? streamError;
    return html`
      <${Back} />
      <h1>Run</h1>
      ${problem ? html`<${Notice} title="This run could not be shown" error=${problem} scope="train" onRetry=${followAgain} />` : html`<${Waiting} />`}
    `;
  }
  const isEnded = ENDED.includes(job.status);
  const [isTraining, isSearch] = [job.kind === "mnist_training", job.kind === "training_search"];
  const [done, total] = [epochs.length, job.spec.epochs];
  const needsChange = isTraining && job.error?.reason === "error"; // the same again would fail again
  return html`
    <${Back} />
    <header class="title">
      <div>
        <h1>${describe(job)} ${job.tags.map((tag) => html`<span class="tag" key=${tag}>${tag}</span>`)}</h1>
        <p class="course">
          <${Status} status=${job.cancel_requested ? "cancelling" : job.status} />
          ${isTraining && html`<span data-epochs=${done}>${done} of ${plural(total, "epoch")}</span>`}
          ${!isEnded && html`<${Progress} job=${job} least=${isTraining ? done / total : 0} />`}
          <span class="quiet">${course(job, events)}</span>
        </p>
      </div>
      <div class="tools">
        ${!isEnded && html`<button disabled=${cancel.isBusy || job.cancel_requested} onClick=${() => cancel.run()}>${job.cancel_requested ? "Cancelling" : "Cancel"}</button>`}
        ${isEnded && !job.search && job.status !== "succeeded" && html`<button class=${needsChange ? "" : "main"} disabled=${retry.isBusy} onClick=${() => retry.run()}>Retry</button>`}
        ${isEnded && isTraining && html`<${RetryWithChanges} job=${job} look=${needsChange ? "main" : ""} />`}
        ${isEnded && isSearch && html`<${MoreTrials} job=${job} onExtended=${followAgain} />`}
        ${isEnded && html`<a class="button" href="#/train/new?like=${id}">New run like this</a>`}
        ${isEnded && !job.search && html`<${Confirmed} isDeletion label="Delete" question="The run goes with its curves and checkpoints. A version that came of it must have been deleted before, in Models." answer="Delete the run" work=${remove} />`}
      </div>
    </header>
    <${Refusal} error=${cancel.error ?? retry.error} />
    ${!isLive && !isEnded && html`<p class="notice" role="status">The connection is lost. What is shown is what came before; it goes on as soon as the service answers.</p>`}
    ${job.notice && html`<p class="notice">${job.notice}</p>`}
    ${job.origin && html`<p class="notice"><a href="#/train/${job.origin.job}">Another run</a> was retried with changes. ${job.origin.why}</p>`}
    ${job.error && html`
      <div class="notice bad"><strong>It failed${job.error.reason === "error" ? "" : `: ${job.error.reason.replaceAll("_", " ")}`}</strong><p>${job.error.detail}</p><p class="quiet">${ADVICE[job.error.reason] ?? ""}</p></div>
    `}
    ${isTraining && job.result && html`<${Verdict} result=${job.result} search=${job.search} />`}
    ${isTraining && (epochs.length
      ? html`<${Curves} epochs=${epochs} total=${total} />`
      : !isEnded && (job.status === "queued" ? html`<${Queued} job=${job} />` : html`<${Empty} title="The first epoch has not ended yet"><p>The curves begin with its end.</p><//>`))}
    ${isSearch && html`<${Trials} job=${job} />`}
    ${isTraining && job.result?.test && html`<${Result} id=${id} result=${job.result} />`}
    ${epochs.length > 0 && html`<${EpochTable} epochs=${epochs} />`}
    <${Spec} job=${job} />
    <${Log} events=${events} />
  `;
}

function Back() {
  return html`<p class="back"><a href="#/train">All runs</a></p>`;
}

/** @param {{job: Job}} properties */
function Queued({ job: { id, kind } }) {
  const { data } = useLoaded((signal) => get(`/v1/jobs?kind=${kind}&status=queued&limit=100`, signal), id, 5);
  const older = data?.items.filter((/** @type {Job} */ other) => other.id < id).length; // ids begin with the time
  return html`
    <${Empty} title="It waits for a worker">
      <p>${older ? `${plural(older, "run")} submitted before it ${older === 1 ? "waits" : "wait"}, too.` : "The curves begin with the end of the first epoch."}</p>
    <//>
  `;
}

/** @param {{result: any, search: Job["search"]}} properties */
function Verdict({ result, search }) {
  if (search?.role === "trial") {
    return html`<p class="notice">A trial is judged on the validation set alone: ${percent(result.value)}${result.pruned ? ", given up before its last epoch" : ""}. <a href="#/train/${search.id}">Its search</a></p>`;
  }
  const { model_version: version, promoted, promotion } = result;
  if (!version) return null;
  return html`
    <div class="notice ${promoted ? "good" : ""}">
      <strong>${promoted ? `Version ${version} became the champion` : `Version ${version} did not become champion`}</strong>
      <p>${promotion[0].toUpperCase() + promotion.slice(1)}. <a href="#/models/${version}">See version ${version}</a></p>
    </div>
  `;
}

/** @param {{id: string, result: any}} properties */
function Result({ id, result }) {
  return html`
    <section class="block" aria-label="Result">
      <${Accuracy} figures=${result.test} others=${[
        ["Validation", percent(result.validation.accuracy)],
        ["Training pictures", percent(result.train.accuracy)],
        ["Pictures as people send them", result.pictures ? percent(result.pictures.accuracy) : "–"],
        ["Training alone", duration(result.seconds)],
        ["Device", result.device],
      ]} />
    </section>
    <div class="columns">
      <${Confusion} figures=${result.test} />
      <${PerDigit} figures=${result.test} />
    </div>
    <${Hardest} path="/v1/jobs/${id}/hardest.png" />
  `;
}

/** @param {{job: Job}} properties */
function Spec({ job }) {
  const { base = {}, space = {}, ...own } = job.spec;
  const kept = Object.entries({ ...base, ...own }).filter(([, value]) => value !== null && typeof value !== "object");
  const varied = Object.entries(space).map(([name, { values, low, high }]) => [name, values ? values.join(", ") : `${low} to ${high}`]);
  return html`
    <details class="block">
      <summary>All settings</summary>
      <${Facts} items=${[...varied, ...kept].map(([name, value]) => [name.replaceAll("_", " "), String(value)])} />
      <div class="tools">
        <${Download} path="/v1/jobs/${job.id}" name="job-${job.id}.json">Save as JSON<//>
        <${Download} path="/v1/jobs/${job.id}/plot.svg" name="curves-${job.id}.svg">Save the curves as SVG<//>
      </div>
    </details>
  `;
}

/** @param {{events: JobEvent[]}} properties */
function Log({ events }) {
  const told = events.filter(({ event }) => event === "status" || event === "log");
  return html`
    <details class="block">
      <summary>What happened</summary>
      <ol class="log">
        ${told.map(({ id, event, data }) => html`<li key=${id}><time datetime=${data.at}>${moment(data.at, "medium")}</time> ${event === "log" ? data.message : data.status}</li>`)}
      </ol>
    </details>
  `;
}

/**
 * @param {Job} job
 * @param {JobEvent[]} events
 * @returns {string} since when it waits or runs, or how long it ran; after a retry, since that
 */
function course(job, events) {
  const statuses = events.filter(({ event }) => event === "status");
  const asked = statuses.findLastIndex(({ data }) => data.status === "queued" && !data.detail); // with a detail a worker gave it back
  const begun = statuses.slice(Math.max(asked, 0)).find(({ data }) => data.status === "running")?.data.at;
  if (job.status === "queued") return `submitted ${ago(statuses[asked]?.data.at ?? job.created_at)}`;
  const start = begun ?? job.started_at;
  if (!job.finished_at) return start ? `started ${ago(start)}` : "";
  return `${start ? `took ${duration((Date.parse(job.finished_at) - Date.parse(start)) / 1000)}, ` : ""}${ago(job.finished_at)}`;
}

/**
 * The events of a job, live.
 * @param {string} id
 * @param {number} attempt
 */
function useEvents(id, attempt) {
  const [events, setEvents] = useState(/** @type {JobEvent[]} */ ([]));
  const [isLive, setLive] = useState(true);
  const [error, setError] = useState(/** @type {import("../api.js").ApiError | null} */ (null));
  useEffect(() => {
    setEvents([]);
    setError(null);
    return follow(`/v1/jobs/${id}/events`, {
      onEvent: (event) => setEvents((before) => [...before, event]),
      onConnection: setLive,
      onError: setError,
    });
  }, [id, attempt]);
  return { events, isLive, error, lastStatus: events.findLast(({ event }) => event === "status") };
}

/**
 * @param {JobEvent[]} events
 * @returns {import("./curves.js").Epoch[]} in order; one that was done again after a new beginning replaces the old one
 */
function collectEpochs(events) {
  const epochs = new Map(events.filter(({ event }) => event === "epoch").map(({ data }) => [data.epoch, data]));
  return [...epochs.values()].sort((one, other) => one.epoch - other.epoch);
}
