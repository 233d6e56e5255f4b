/** Draw a digit, or choose a picture of one, and see how it is read. */
import { ApiError } from "../api.js";
import { Result } from "../draw/answer.js";
import { Code } from "../draw/code.js";
import { EXAMPLES } from "../draw/examples.js";
import { Pad, Photo } from "../draw/pad.js";
import { Reader } from "../draw/reader.js";
import { toPath, toPicture } from "../draw/strokes.js";
import { Why } from "../draw/why.js";
import { useObjectUrl } from "../files.js";
import { Notice } from "../notice.js";
import { html, useEffect, useRef, useState } from "../view.js";

/**
 * @typedef {import("../draw/strokes.js").Stroke} Stroke
 * @typedef {import("../draw/reader.js").Answer} Answer
 * @typedef {{strokes: Stroke[], photo: File | null}} Page Either a drawing or a picture.
 */

const KEPT = "numeral.drawing"; // in session storage, so that leaving the page loses nothing
const MAX_UNDO = 100;

/** @param {{onKey: () => void}} properties */
export default function Draw({ onKey }) {
  const [page, setPage] = useState(/** @type {() => Page} */ (() => ({ strokes: recall(), photo: null })));
  const [past, setPast] = useState(/** @type {Page[]} */ ([]));
  const [answer, setAnswer] = useState(/** @type {Answer | null} */ (null));
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const [isDragged, setDragged] = useState(false);
  const reader = useReader(setAnswer, setError);
  const url = useObjectUrl(page.photo);
  const isEmpty = page.strokes.length === 0 && !page.photo;

  const ask = () => {
    if (isEmpty) {
      reader.cancel();
      setAnswer(null);
      setError(null);
    } else {
      reader.ask({ picture: () => toBlob(page), isDone: true });
    }
  };
  useEffect(() => {
    ask();
    sessionStorage.setItem(KEPT, JSON.stringify(page.strokes));
  }, [page]);

  const now = useRef({ page, past }); // also between a change and its rendering: a second stroke may end meanwhile
  now.current = { page, past };
  /**
   * @param {Page} next another picture; where it is no longer this one, the answers to this one say nothing of it
   * @param {Page[]} before
   */
  const show = (next, before) => {
    const { photo, strokes } = now.current.page;
    if (next.photo !== photo || next.strokes.length < strokes.length) reader.cancel();
    now.current = { page: next, past: before };
    setPage(next);
    setPast(before);
  };
  /** @param {Page} next */
  const turnTo = (next) => show(next, [...now.current.past, now.current.page].slice(-MAX_UNDO));
  const undo = () => {
    const before = now.current.past.at(-1);
    if (before) show(before, now.current.past.slice(0, -1));
  };
  /** @type {(stroke: Stroke, isDone: boolean) => void} */
  const onStroke = (stroke, isDone) => {
    const strokes = [...now.current.page.strokes, stroke];
    if (isDone) turnTo({ strokes, photo: null });
    else reader.ask({ picture: () => toPicture(strokes), isDone: false });
  };
  /** @param {FileList | null | undefined} files */
  const choose = (files) => files?.[0] && turnTo({ strokes: [], photo: files[0] });

  useListener("paste", (/** @type {ClipboardEvent} */ event) => choose(event.clipboardData?.files));
  useListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const isTyping = event.target instanceof HTMLInputElement && event.target.type !== "file";
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key === "z" && !isTyping) {
      event.preventDefault();
      undo();
    }
  });
  useListener("dragover", (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    setDragged(true);
  });
  useListener("dragleave", (/** @type {DragEvent} */ event) => event.relatedTarget ?? setDragged(false));
  useListener("drop", (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    setDragged(false);
    choose(event.dataTransfer?.files);
  });

  const digits = answer?.reading?.digits ?? [];
  return html`
    <h1>Draw a digit</h1>
    <p class="purpose">See how a neural network reads your hand, and what it looks at.</p>
    <div class="draw">
      <section class="work" aria-label="Your digit">
        <div class="place ${isDragged ? "dragged" : ""}">
          ${page.photo
            ? html`<${Photo} key=${url} url=${url} name=${page.photo.name} digits=${digits} />`
            : html`<${Pad} strokes=${page.strokes} onStroke=${onStroke} digits=${digits} />`}
          ${isEmpty && html`<p class="hint" aria-hidden="true">Draw here<span>with finger, pen or mouse</span></p>`}
          ${isDragged && html`<p class="hint over">Drop the picture</p>`}
        </div>
        <div class="tools">
          <button onClick=${undo} disabled=${past.length === 0}>Undo</button>
          <button onClick=${() => turnTo({ strokes: [], photo: null })} disabled=${isEmpty}>Clear</button>
          <${Chooser} onChoose=${choose}>Open picture<//>
          <${Chooser} onChoose=${choose} isCamera>Camera<//>
        </div>
        <div class="examples" role="group" aria-label="Examples">
          <span>Or try</span>
          ${Object.entries(EXAMPLES).map(
            ([name, strokes]) => html`
              <button key=${name} aria-label="Example ${name}" onClick=${() => turnTo({ strokes, photo: null })}>
                <svg viewBox="0 0 40 40" aria-hidden="true">${strokes.map((stroke) => html`<path d=${toPath(stroke, 40)} />`)}</svg>
              </button>
            `,
          )}
        </div>
      </section>
      <div class="said">
        <${Result}
          answer=${answer}
          notice=${error && html`<${Notice} title="This could not be read" error=${error} onRetry=${ask} onKey=${() => (ask(), onKey())} />`}
        />
      </div>
      <${Why} page=${page} picture=${() => toBlob(page)} isRead=${answer !== null} hasSeveral=${digits.length > 1} />
      <${Code} hasSeveral=${digits.length > 1} file=${page.photo?.name || "digit.png"} picture=${() => toBlob(page)} />
    </div>
  `;
}

/**
 * A button that opens the files, or on phones the camera.
 * @param {{onChoose: (files: FileList | null) => void, isCamera?: boolean, children: unknown}} properties
 */
function Chooser({ onChoose, isCamera = false, children }) {
  /** @param {Event & {currentTarget: HTMLInputElement}} event */
  const choose = ({ currentTarget }) => {
    onChoose(currentTarget.files);
    currentTarget.value = ""; // so that the same file can be chosen again
  };
  return html`
    <label class="button ${isCamera ? "camera" : ""}">
      <input class="heard" type="file" accept="image/*" capture=${isCamera ? "environment" : undefined} onChange=${choose} />
      ${children}
    </label>
  `;
}

/**
 * @param {(answer: Answer | null) => void} setAnswer
 * @param {(error: ApiError | null) => void} setError
 * @returns {Reader} the same one each time
 */
function useReader(setAnswer, setError) {
  const [reader] = useState(
    () =>
      new Reader(
        (answer) => {
          setAnswer(answer);
          setError(null);
        },
        (error) => {
          setAnswer(null);
          setError(error instanceof ApiError ? error : new ApiError("This picture could not be opened.", 400));
        },
      ),
  );
  useEffect(() => () => reader.cancel(), []);
  return reader;
}

/**
 * Listen to events of the whole page.
 * @param {string} type
 * @param {(event: any) => void} listener
 */
function useListener(type, listener) {
  useEffect(() => {
    addEventListener(type, listener);
    return () => removeEventListener(type, listener);
  });
}

/** @param {Page} page */
async function toBlob({ photo, strokes }) {
  return photo ?? toPicture(strokes);
}

/** @returns {Stroke[]} the drawing that this tab had before */
function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
  } catch {
    return [];
  }
}
