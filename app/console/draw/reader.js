/** Lets the service read what is on the page, again and again while it changes. */
import { predict, read } from "../api.js";

/**
 * @typedef {import("../api.js").Prediction} Prediction
 * @typedef {import("../api.js").Reading} Reading
 *
 * @typedef {object} Request
 * @property {() => Promise<Blob>} picture
 * @property {boolean} isDone whether the pen is up: only then is it looked for several digits
 *
 * @typedef {object} Answer
 * @property {Prediction} prediction
 * @property {Reading | null} reading if there are several digits
 * @property {number} milliseconds that the prediction took, there and back
 */

/** One request at a time: what is asked meanwhile waits, and only the latest of it is asked. */
export class Reader {
  /** @type {Request | null} */
  #next = null;
  /** @type {AbortController | null} */
  #running = null;
  #hadSeveral = false;

  /**
   * @param {(answer: Answer) => void} onAnswer
   * @param {(error: unknown) => void} onError
   */
  constructor(onAnswer, onError) {
    this.onAnswer = onAnswer;
    this.onError = onError;
  }

  /** @param {Request} request */
  ask(request) {
    this.#next = request;
    if (!this.#running) this.#work();
  }

  /** Forget what was asked: answers that are on their way are dropped. */
  cancel() {
    this.#next = null;
    this.#hadSeveral = false;
    this.#running?.abort();
    this.#running = null;
  }

  async #work() {
    const control = (this.#running = new AbortController());
    const { signal } = control;
    while (this.#next && !signal.aborted) {
      const request = this.#next;
      this.#next = null;
      try {
        await this.#answer(request, signal);
      } catch (error) {
        if (!signal.aborted) this.onError(error);
      }
    }
    if (this.#running === control) this.#running = null;
  }

  /**
   * @param {Request} request
   * @param {AbortSignal} signal
   */
  async #answer(request, signal) {
    const picture = await request.picture();
    const start = performance.now();
    const prediction = await predict(picture, signal);
    const answer = { prediction, reading: null, milliseconds: performance.now() - start };
    if (signal.aborted) return;
    if (!this.#hadSeveral) this.onAnswer(answer); // else the single digit would flash up between two readings
    if (!request.isDone) return;
    if (isOneDigit(prediction)) {
      if (this.#hadSeveral) this.onAnswer(answer);
      this.#hadSeveral = false;
      return;
    }
    const reading = await read(picture, signal);
    if (signal.aborted) return;
    const hasSeveral = reading.digits.length > 1;
    if (hasSeveral) this.onAnswer({ ...answer, reading });
    else if (this.#hadSeveral) this.onAnswer(answer);
    this.#hadSeveral = hasSeveral;
  }
}

/**
 * @param {Prediction} prediction
 * @returns {boolean} whether there is certainly nothing else in the picture; reading a whole page takes twice as long
 */
function isOneDigit({ accepted, image }) {
  return accepted && (image?.hypotheses?.length ?? 0) <= 1;
}
