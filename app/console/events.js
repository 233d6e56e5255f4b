/** The one module that listens: the events of a job as they happen, each once, over as many connections as it takes. */
import { ApiError, openStream } from "./api.js";

const SILENCE = 40_000; // milliseconds; the service sends a comment every 15 s
const MAX_PAUSE = 5_000; // milliseconds between two tries

/**
 * @typedef {object} JobEvent
 * @property {number} id from 1, without a gap
 * @property {string} event `status`, `epoch`, `trial`, `rung` or `log`
 * @property {any} data
 *
 * @typedef {object} Listener
 * @property {(event: JobEvent) => void} onEvent
 * @property {(isLive: boolean) => void} onConnection
 * @property {(error: ApiError) => void} onError after which nothing more is tried
 */

/**
 * Follow a job until it has ended.
 * @param {string} path of its events
 * @param {Listener} listener
 * @returns {() => void} stops it
 */
export function follow(path, listener) {
  const control = new AbortController();
  run(path, listener, control.signal);
  return () => control.abort();
}

/**
 * @param {string} path
 * @param {Listener} listener
 * @param {AbortSignal} signal
 */
async function run(path, { onEvent, onConnection, onError }, signal) {
  let [last, pause] = [0, 250];
  while (!signal.aborted) {
    const connection = new Connection(signal);
    try {
      const answer = await openStream(path, last, connection.signal);
      if (answer.status === 204 || !answer.body) return onConnection(true); // it has ended, and all was seen
      onConnection(true);
      for await (const event of connection.read(answer.body)) {
        pause = 250;
        if (event.id <= last) continue;
        last = event.id;
        onEvent(event);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429) return onError(error);
      onConnection(false);
    } finally {
      connection.close();
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(2 * pause, MAX_PAUSE);
  }
}

/** One answer, which is given up when nothing comes for too long. */
class Connection {
  #control = new AbortController();
  #timer = 0;

  /** @param {AbortSignal} signal of whoever follows */
  constructor(signal) {
    this.signal = AbortSignal.any([signal, this.#control.signal]);
    this.#listen();
  }

  #listen() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#control.abort(), SILENCE);
  }

  /**
   * @param {ReadableStream<Uint8Array>} body
   * @returns {AsyncGenerator<JobEvent>}
   */
  async *read(body) {
    const [reader, decoder] = [body.getReader(), new TextDecoder()];
    let text = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      this.#listen();
      const blocks = (text + decoder.decode(part.value, { stream: true })).split("\n\n");
      text = blocks.pop() ?? "";
      yield* blocks.map(parse).filter((event) => event !== null);
    }
  }

  close() {
    clearTimeout(this.#timer);
    this.#control.abort();
  }
}

/**
 * @param {string} block the lines of one event
 * @returns {JobEvent | null} null for a comment
 */
function parse(block) {
  const fields = new Map(block.split("\n").map((line) => /** @type {[string, string]} */ (line.split(/: ?(.*)/s).slice(0, 2))));
  const data = fields.get("data");
  return data ? { id: Number(fields.get("id")), event: fields.get("event") ?? "message", data: JSON.parse(data) } : null;
}
