/** Lets the service train a network at each learning rate. */
import { ApiError, getJob, makeKey, submitJob } from "../api.js";
import { toSpec } from "./settings.js";

/**
 * @typedef {import("./settings.js").Network} Network
 *
 * @typedef {object} Trial
 * @property {number} learning_rate
 * @property {(number | null)[]} loss at each epoch
 * @property {number[][]} weights at each of the result's `weight_epochs`
 * @property {string} outcome
 * @property {{start: number | null, end: number | null}} stability_limit
 *
 * @typedef {object} Sweep
 * @property {Network} network that was trained
 * @property {string} job
 * @property {Trial[]} trials
 * @property {number[]} epochs whose weights are there
 * @property {number | null} critical the smallest rate at which the loss rises
 * @property {{begins: number | null, ends: number | null}} convergence
 * @property {string[]} notes what is to be known of the targets
 */

const PAUSE_MILLISECONDS = 500;

/**
 * @param {Network} network
 * @param {AbortSignal} signal
 * @param {() => void} onWait when a worker has not ended it soon
 * @returns {Promise<Sweep>} The same network is trained once only: the service knows its job again.
 */
export async function train(network, signal, onWait) {
  const spec = toSpec(network);
  const options = { signal, wait: 5 };
  let job = await submitJob(spec, `console-${hash(JSON.stringify(spec))}`, options);
  if (job.status === "failed" || job.status === "cancelled") job = await submitJob(spec, makeKey(), options);
  while (job.status === "queued" || job.status === "running") {
    onWait();
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
    job = await getJob(job.id, signal);
  }
  if (job.status !== "succeeded") throw new ApiError(job.error?.detail ?? "The sweep was cancelled. Try again.", 500);
  const { trials, weight_epochs, critical_learning_rate, convergence, notes } = job.result;
  return {
    network,
    job: job.id,
    trials,
    epochs: weight_epochs,
    critical: critical_learning_rate,
    convergence: convergence ?? { begins: null, ends: null },
    notes: notes ?? [],
  };
}

/**
 * @param {string} text
 * @returns {string} 53 bits of it (cyrb53); browsers offer SHA-256 only where the connection is encrypted
 */
function hash(text) {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (const letter of text) {
    const code = letter.codePointAt(0) ?? 0;
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return (4294967296 * (2097151 & low) + (high >>> 0)).toString(36);
}
