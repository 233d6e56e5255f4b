/** The one module that sends requests. It adds the API key, and makes a sentence of whatever goes wrong. */
import { keep, recall } from "./storage.js";

/** The address of the service, whose pages lie beside one another: behind a proxy, perhaps under a path. */
export const ADDRESS = new URL(".", location.href).href.slice(0, -1);

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
   * @param {{errors?: {location: string, message: string}[], reasons?: string[]}} [problem] what else the service says
   */
  constructor(message, status, problem = {}) {
    super(message);
    this.status = status;
    this.errors = problem.errors ?? [];
    this.reasons = problem.reasons ?? [];
  }

  /** Whether the same would be refused again. */
  get isFinal() {
    return this.status >= 400 && this.status < 500 && this.status !== 429 && !this.needsKey;
  }

  /** Whether another API key may help. */
  get needsKey() {
    return this.status === 401 || this.status === 403;
  }
}

/** @returns {string} empty if none was given */
export function getKey() {
  return recall(KEY) ?? "";
}

/** @param {string} key */
export function setKey(key) {
  keep(KEY, key);
  dispatchEvent(new Event("keychange"));
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
 * @property {{reason: string, detail: string} | null} error
 */

/**
 * @param {object} spec
 * @param {string} key of idempotency: the same key and spec give the first job again
 * @param {object} [options]
 * @param {AbortSignal} [options.signal]
 * @param {number} [options.wait] seconds in which the job may end before the answer comes
 * @returns {Promise<Job>}
 */
export function submitJob(spec, key, { signal, wait = 0 } = {}) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key, ...(wait && { Prefer: `wait=${wait}` }) };
  return send("/v1/jobs", { method: "POST", body: JSON.stringify(spec), headers, signal });
}

/** @returns {string} a key of idempotency that nobody has used. crypto.randomUUID needs an encrypted connection. */
export function makeKey() {
  return `console-${[...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join("-")}`;
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
  return tell("POST", "/v1/predictions/feedback", { digit, prediction_id: id });
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
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>} the document there
 */
export function get(path, signal) {
  return send(path, { signal });
}

/**
 * @param {"POST" | "PUT" | "PATCH" | "DELETE"} method
 * @param {string} path
 * @param {object} [body] sent as JSON; a picture or a form as it is
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>} the JSON of the answer, null if it has none
 */
export function tell(method, path, body, headers = {}) {
  if (!body || body instanceof Blob || body instanceof FormData) return send(path, { method, body, headers });
  return send(path, { method, body: JSON.stringify(body), headers: { ...headers, "Content-Type": "application/json" } });
}

/**
 * A file, which a link could not ask for with the API key.
 * @param {string} path
 * @param {AbortSignal} [signal]
 */
export async function getFile(path, signal) {
  return (await ask(path, { signal })).blob().catch(rethrow);
}

/**
 * Server-Sent Events. EventSource sends no API key.
 * @param {string} path
 * @param {number} after the number of the last event that was seen
 * @param {AbortSignal} signal
 */
export function openStream(path, after, signal) {
  return ask(path, { headers: { Accept: "text/event-stream", "Last-Event-ID": String(after) }, cache: "no-store", signal });
}

/**
 * @param {string} path
 * @param {RequestInit & {headers?: Record<string, string>}} [options]
 * @returns {Promise<any>} the JSON of the answer. Raises ApiError; AbortError if it was cancelled.
 */
async function send(path, options = {}) {
  const answer = await ask(path, options);
  return answer.status === 204 ? null : answer.json().catch(rethrow);
}

/**
 * @param {string} path
 * @param {RequestInit & {headers?: Record<string, string>}} options
 * @returns {Promise<Response>} an answer that is no error
 */
async function ask(path, options) {
  const key = getKey();
  const headers = { ...options.headers, ...(key && { Authorization: `Bearer ${key}` }) };
  const answer = await fetch(ADDRESS + path, { ...options, headers }).catch(rethrow);
  if (answer.ok) return answer;
  throw await describe(answer);
}

/**
 * @param {unknown} error of a connection
 * @returns {never}
 */
function rethrow(error) {
  if (error instanceof DOMException && error.name === "AbortError") throw error;
  throw new ApiError("The service does not answer. Look whether it is running, then try again.", 0);
}

/**
 * @param {Response} answer
 * @returns {Promise<ApiError>} what a problem document (RFC 9457) says; a proxy may have sent another page
 */
async function describe(answer) {
  const { status } = answer;
  if (status === 415) return new ApiError("This file is not a picture. Choose a PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or HEIC.", status);
  const problem = answer.headers.get("Content-Type")?.includes("json") ? await answer.json().catch(() => null) : null;
  return new ApiError(problem?.detail ? forPeople(problem.detail) : `The service answered with status ${status}. Try again in a moment.`, status, problem ?? {});
}

/**
 * @param {string} detail of a problem
 * @returns {string} without the sentences that name a request to send: a page has buttons for that
 */
function forPeople(detail) {
  const sentences = detail.replaceAll(/ \((GET|PUT|POST|PATCH|DELETE) [^)]*\)/g, "").split(/(?<=\.) (?=[A-Z])/);
  return sentences.filter((sentence) => !/\b(GET|PUT|POST|PATCH|DELETE) \//.test(sentence)).join(" ") || detail;
}
