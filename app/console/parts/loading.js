/** What a view has asked the service for, and asks again for. */
import { ApiError } from "../api.js";
import { useEffect, useRef, useState } from "../view.js";

/**
 * @template T
 * @typedef {object} Loaded
 * @property {T | null} data the last that came, also when a later request failed
 * @property {ApiError | null} error of the last request
 * @property {() => void} reload
 */

/**
 * Load when the view appears and whenever `key` changes; then again, so many seconds after each answer, while the page is
 * visible.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {string} key of what is loaded: another one drops the data
 * @param {number} [seconds] 0: only once
 * @returns {Loaded<T>}
 */
export function useLoaded(load, key, seconds = 0) {
  const [state, setState] = useState(/** @type {{key: string, data: T | null, error: ApiError | null}} */ ({ key, data: null, error: null }));
  const [round, setRound] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const control = new AbortController();
    let timer = 0;
    const work = async () => {
      try {
        const data = await latest.current(control.signal);
        if (control.signal.aborted) return;
        setState({ key, data, error: null });
      } catch (error) {
        if (control.signal.aborted) return;
        setState((before) => ({ key, data: before.key === key ? before.data : null, error: asApiError(error) }));
      }
      wait();
    };
    const wait = () => {
      if (seconds) timer = setTimeout(() => (document.hidden ? wait() : work()), 1000 * seconds);
    };
    work();
    return () => {
      control.abort();
      clearTimeout(timer);
    };
  }, [key, round, seconds]);
  const isOld = state.key !== key;
  return { data: isOld ? null : state.data, error: isOld ? null : state.error, reload: () => setRound((before) => before + 1) };
}

/**
 * Something that a button does: one at a time, with what went wrong.
 * @template {any[]} Arguments
 * @param {(...given: Arguments) => Promise<unknown>} work
 */
export function useAction(work) {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  /** @param {Arguments} given */
  const run = async (...given) => {
    if (isBusy) return;
    setBusy(true);
    setError(null);
    try {
      await work(...given);
    } catch (problem) {
      setError(asApiError(problem));
    }
    setBusy(false);
  };
  return { run, isBusy, error, clear: () => setError(null) };
}

/**
 * Begin at the top of the page when another place of a view is shown, as main.js does for another view.
 * @param {string | undefined} place
 */
export function useTop(place) {
  const before = useRef(place);
  useEffect(() => {
    if (before.current === place) return;
    before.current = place;
    scrollTo(0, 0);
    document.querySelector("main")?.focus({ preventScroll: true });
  }, [place]);
}

/** @param {unknown} error */
function asApiError(error) {
  if (error instanceof ApiError) return error;
  console.error(error);
  return new ApiError("This page failed unexpectedly. Load it again.", 400);
}
