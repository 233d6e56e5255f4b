/** The one module that sends requests. It adds the API key, and makes a sentence of whatever goes wrong. */

const KEY = "numeral.key"; // in session storage: gone when the tab is closed

/**
 * @typedef {object} Prediction What `POST /v1/predict?debug=true` answers.
 * @property {number} digit
 * @property {number} confidence
 * @property {number[]} probabilities ten of them
 * @property {boolean} accepted
 * @property {"blank" | "too_small" | "not_a_digit" | "ambiguous" | null} reason
 * @property {{version: string}} model
 * @property {{png?: string, overlay?: string, hypotheses?: object[]} | null} image
 * @property {string} [id] where the service keeps pictures for feedback
 * @property {{saliency: number[][], activations: Layer[]}} [explanation] with `explain=true`
 *
 * @typedef {object} Layer What a layer computes of the picture.
 * @property {string} name
 * @property {number} channels
 * @property {number} height
 * @property {number} width
 * @property {number} low the value of black: 0, or negative
 * @property {string} sheet the channels as a data URL of a PNG, eight in a row
 *
 * @typedef {object} ReadDigit
 * @property {number} digit
 * @property {number} confidence
 * @property {[number, number, number, number]} box left, top, right, bottom in pixels of the picture
 * @property {boolean} accepted
 *
 * @typedef {object} Reading What `POST /v1/read` answers.
 * @property {string} text
 * @property {ReadDigit[]} digits
 * @property {{version: string}} model
 */

/** What the service refused, or that it did not answer. The message is a sentence for the person who looks. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status 0 if no answer came
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }

  /** Whether another API key may help. */
  get needsKey() {
    return this.status === 401 || this.status === 403;
  }
}

/** @returns {string} empty if none was given */
export function getKey() {
  return sessionStorage.getItem(KEY) ?? "";
}

/** @param {string} key */
export function setKey(key) {
  sessionStorage.setItem(KEY, key);
}

/**
 * @param {Blob} picture
 * @param {AbortSignal} signal
 * @returns {Promise<Prediction>}
 */
export function predict(picture, signal) {
  return post("/v1/predict?debug=true", picture, signal);
}

/**
 * @param {Blob} picture
 * @param {AbortSignal} signal
 * @returns {Promise<Reading>}
 */
export function read(picture, signal) {
  return post("/v1/read", picture, signal);
}

/**
 * @typedef {object} Job
 * @property {string} id
 * @property {string} status
 * @property {any} result null until it has succeeded
 * @property {{message?: string, reason?: string} | null} error
 */

/**
 * @param {object} spec
 * @param {string} key of idempotency: the same key and spec give the first job again; empty: a new job
 * @param {AbortSignal} signal
 * @returns {Promise<Job>} which may have ended, if it took a moment only
 */
export function submitJob(spec, key, signal) {
  const headers = { "Content-Type": "application/json", Prefer: "wait=5", ...(key && { "Idempotency-Key": key }) };
  return send("/v1/jobs", { method: "POST", body: JSON.stringify(spec), headers, signal });
}

/**
 * @param {string} id
 * @param {AbortSignal} signal
 * @returns {Promise<Job>}
 */
export function getJob(id, signal) {
  return send(`/v1/jobs/${encodeURIComponent(id)}`, { signal });
}

/**
 * @param {Blob} picture
 * @param {AbortSignal} signal
 * @returns {Promise<Prediction>} with its explanation
 */
export function explain(picture, signal) {
  return post("/v1/predict?debug=true&explain=true", picture, signal);
}

/**
 * @param {string} id of a prediction
 * @param {number} digit which it should have been
 */
export function sendFeedback(id, digit) {
  const body = JSON.stringify({ digit, prediction_id: id });
  return send("/v1/predictions/feedback", { method: "POST", body, headers: { "Content-Type": "application/json" } });
}

/**
 * The version that serves, and the share of its test set that it read right.
 * @returns {Promise<{version: string, accuracy: number}>}
 */
export async function getChampion() {
  const alias = await send("/v1/models/aliases/champion");
  const card = await send(`/v1/models/${encodeURIComponent(alias.version)}`);
  return { version: alias.version, accuracy: card.test_accuracy };
}

/**
 * @param {string} path
 * @param {Blob} picture
 * @param {AbortSignal} signal
 */
function post(path, picture, signal) {
  const type = picture.type || "application/octet-stream";
  return send(path, { method: "POST", body: picture, headers: { "Content-Type": type }, signal });
}

/**
 * @param {string} path
 * @param {RequestInit & {headers?: Record<string, string>}} [options]
 * @returns {Promise<any>} the JSON of the answer. Raises ApiError; AbortError if it was cancelled.
 */
async function send(path, options = {}) {
  const key = getKey();
  const headers = { ...options.headers, ...(key && { Authorization: `Bearer ${key}` }) };
  /** @type {Response} */
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError("The service does not answer. Look whether it is running, then try again.", 0);
  }
  if (answer.ok) return answer.json();
  throw new ApiError(await describe(answer), answer.status);
}

/**
 * @param {Response} answer
 * @returns {Promise<string>} what a problem document (RFC 9457) says; a proxy may have sent another page
 */
async function describe(answer) {
  if (answer.status === 415) return "This file is not a picture. Choose a PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or HEIC.";
  const problem = answer.headers.get("Content-Type")?.includes("json") ? await answer.json().catch(() => null) : null;
  return problem?.detail ?? `The service answered with status ${answer.status}. Try again in a moment.`;
}
