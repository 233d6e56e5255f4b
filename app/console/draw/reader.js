/** Lets the service read what is on the page, again and again while it changes. */
import { predict, read } from "../api.js";

/**
 * @typedef {import("../api.js").Prediction} Prediction
 * @typedef {import("../api.js").Reading} Reading
 *
 * @typedef {object} Request
 * @property {() => Promise<Blob>} picture
 * @property {boolean} isDone whether the pen is up: only then is it looked for the first time for several digits
 *
 * @typedef {{milliseconds: number} & (
 *   {prediction: Prediction, reading: null} | {prediction: null, reading: Reading}
 * )} Answer One digit or several, and how long it took to ask, there and back.
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
    /** @param {{prediction: Prediction, reading: null} | {prediction: null, reading: Reading}} found */
    const tell = (found) => signal.aborted || this.onAnswer({ ...found, milliseconds: performance.now() - start });
    const findSeveral = async () => {
      const reading = await read(picture, signal);
      if (signal.aborted) return false;
      this.#hadSeveral = reading.digits.length > 1;
      if (this.#hadSeveral) tell({ prediction: null, reading });
      return this.#hadSeveral;
    };

    const hadSeveral = this.#hadSeveral;
    if (hadSeveral && (await findSeveral())) return; // asked first: a single digit would flash up between two readings
    const prediction = await predict(picture, signal);
    tell({ prediction, reading: null });
    if (request.isDone && !hadSeveral && !isOneDigit(prediction)) await findSeveral();
  }
}

/**
 * @param {Prediction} prediction
 * @returns {boolean} whether there is certainly nothing else in the picture; reading a whole page takes twice as long
 */
function isOneDigit({ accepted, image }) {
  return accepted && (image?.hypotheses?.length ?? 0) <= 1;
}
