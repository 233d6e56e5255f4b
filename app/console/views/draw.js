/** Draw a digit, or choose a picture of one, and see how it is read. */
import { ApiError } from "../api.js";
import { Alone, cutOut } from "../draw/alone.js";
import { Result } from "../draw/answer.js";
import { Code } from "../draw/code.js";
import { EXAMPLES } from "../draw/examples.js";
import { EMPTY, isEmpty as isEmptyPage, makeSheet } from "../draw/history.js";
import { Pad, Photo } from "../draw/pad.js";
import { Reader } from "../draw/reader.js";
import { toPath, toPicture } from "../draw/strokes.js";
import { Why } from "../draw/why.js";
import { useObjectUrl } from "../files.js";
import { Notice } from "../notice.js";
import { keep, recall } from "../storage.js";
import { html, useEffect, useState } from "../view.js";

/**
 * @typedef {import("../draw/strokes.js").Stroke} Stroke
 * @typedef {import("../draw/reader.js").Answer} Answer
 * @typedef {import("../draw/history.js").Page} Page
 * @typedef {import("../api.js").ReadDigit} ReadDigit
 */

const KEPT = "numeral.drawing"; // in session storage, so that leaving the page loses no drawing
const useSheet = makeSheet(() => ({ strokes: recallStrokes(), photo: null }));

/** @param {{onKey: () => void}} properties */
export default function Draw({ onKey }) {
  const [answer, setAnswer] = useState(/** @type {Answer | null} */ (null));
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const [picked, setPicked] = useState(/** @type {ReadDigit | null} */ (null));
  const [isDragged, setDragged] = useState(false);
  const reader = useReader(setAnswer, setError);
  const { page, canUndo, turnTo, undo, withStroke } = useSheet((next, { photo, strokes }) => {
    if (next.photo !== photo || next.strokes.length < strokes.length) reader.cancel(); // its answers say nothing of the next
  });
  const url = useObjectUrl(page.photo);
  const isEmpty = isEmptyPage(page);

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
    keep(KEPT, JSON.stringify(page.strokes));
  }, [page]);

  /** @type {(stroke: Stroke, isDone: boolean) => void} */
  const onStroke = (stroke, isDone) => {
    const next = withStroke(stroke);
    if (isDone) turnTo(next);
    else reader.ask({ picture: () => toPicture(next.strokes), isDone: false });
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
  const chosen = digits.find((digit) => digit === picked) ?? null; // of another reading, none is chosen
  const picture = async () => (chosen ? cutOut(await toBlob(page), chosen, !page.photo) : toBlob(page));
  return html`
    <h1>Draw a digit</h1>
    <p class="purpose">See how a neural network reads your hand, and what it looks at.</p>
    <div class="draw">
      <section class="work" aria-label="Your digit">
        <div class="place ${isDragged ? "dragged" : ""}">
          ${page.photo
            ? html`<${Photo} key=${url} url=${url} name=${page.photo.name} digits=${digits} chosen=${chosen} onChoose=${setPicked} />`
            : html`<${Pad} strokes=${page.strokes} onStroke=${onStroke} digits=${digits} chosen=${chosen} />`}
          ${isEmpty && html`<p class="hint" aria-hidden="true">Draw here<span>with finger, pen or mouse</span></p>`}
          ${isDragged && html`<p class="hint over">Drop the picture</p>`}
        </div>
        <div class="tools">
          <button onClick=${undo} disabled=${!canUndo}>Undo</button>
          <button onClick=${() => turnTo(EMPTY)} disabled=${isEmpty}>Clear</button>
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
          chosen=${chosen}
          onChoose=${setPicked}
          notice=${error && html`<${Notice} title="This could not be read" error=${error} onRetry=${ask} onKey=${() => (ask(), onKey())} />`}
        >${chosen && html`<${Alone} digit=${chosen} picture=${picture} />`}<//>
      </div>
      <${Why} page=${chosen ?? page} picture=${picture} isRead=${answer !== null} hasSeveral=${digits.length > 1 && !chosen} />
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
function recallStrokes() {
  try {
    return JSON.parse(recall(KEPT) ?? "[]");
  } catch {
    return [];
  }
}
