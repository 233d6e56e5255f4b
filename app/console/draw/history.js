/** What is on a sheet, and what was on it before. */
import { useState } from "../view.js";

/**
 * @typedef {import("./strokes.js").Stroke} Stroke
 * @typedef {{strokes: Stroke[], photo: File | null}} Page Either a drawing or a picture.
 * @typedef {{page: Page, past: Page[]}} History
 */

const MAX_UNDO = 100;

/** @type {Page} */
export const EMPTY = { strokes: [], photo: null };

/** @param {Page} page */
export function isEmpty({ strokes, photo }) {
  return strokes.length === 0 && !photo;
}

/**
 * The sheet of one view. It outlives a look at another view.
 * @param {() => Page} [begin] gives the first page
 */
export function makeSheet(begin = () => EMPTY) {
  /** @type {History | null} */
  let kept = null; // also between a change and its rendering: a second stroke may end meanwhile
  const now = () => (kept ??= { page: begin(), past: [] });

  /** @param {(next: Page, page: Page) => void} [onChange] */
  return function useSheet(onChange = () => {}) {
    const [{ page, past }, setShown] = useState(now);
    /**
     * @param {Page} next
     * @param {Page[]} before
     */
    const show = (next, before) => {
      onChange(next, now().page);
      kept = { page: next, past: before };
      setShown(kept);
    };
    return {
      page,
      canUndo: past.length > 0,
      /** @param {Page} next */
      turnTo: (next) => show(next, [...now().past, now().page].slice(-MAX_UNDO)),
      undo: () => {
        const before = now().past.at(-1);
        if (before) show(before, now().past.slice(0, -1));
      },
      /** @type {(stroke: Stroke) => Page} */
      withStroke: (stroke) => ({ strokes: [...now().page.strokes, stroke], photo: null }),
    };
  };
}
