/** Two versions, side by side, on one picture. */
import { get, tell } from "../api.js";
import { Bars } from "../draw/answer.js";
import { EXAMPLES } from "../draw/examples.js";
import { EMPTY, isEmpty as isEmptyPage, makeSheet } from "../draw/history.js";
import { Pad } from "../draw/pad.js";
import { toPath, toPicture } from "../draw/strokes.js";
import { describe } from "../draw/words.js";
import { Notice } from "../notice.js";
import { percent } from "../parts/format.js";
import { useLoaded } from "../parts/loading.js";
import { Empty, Refusal, Waiting } from "../parts/pieces.js";
import { keepRoute } from "../route.js";
import { html, useEffect, useState } from "../view.js";

/**
 * @typedef {import("../draw/strokes.js").Stroke} Stroke
 * @typedef {import("../draw/history.js").Page} Page
 */

const useSheet = makeSheet();

/** @param {{query: URLSearchParams}} properties */
export function Duel({ query }) {
  const { data, error, reload } = useLoaded((signal) => get("/v1/models", signal), "all");
  const versions = /** @type {import("../views/models.js").Summary[]} */ (data?.items ?? []);
  const [chosen, setChosen] = useState({ a: query.get("a") ?? "", b: query.get("b") ?? "" });
  const { page, canUndo, turnTo, undo, withStroke } = useSheet();
  const isEmpty = isEmptyPage(page);
  const champion = versions.find(({ aliases }) => aliases.includes("champion"))?.version ?? versions[0]?.version;
  const a = chosen.a || champion;
  const b = chosen.b || versions.find(({ version }) => version !== a)?.version || a;
  useEffect(() => {
    if (a && b) keepRoute("models", new URLSearchParams({ a, b }), ["compare"]);
  }, [a, b]);
  return html`
    <p class="back"><a href="#/models">All versions</a></p>
    <h1>Two versions on one picture</h1>
    <p class="purpose">Draw a digit, or choose a picture, and see what each of them makes of it.</p>
    ${error && html`<${Notice} title="The versions could not be listed" error=${error} onRetry=${reload} />`}
    ${!data && !error && html`<${Waiting} />`}
    ${data && html`
      <div class="duel">
        <section aria-label="The picture">
          <div class="place">
            ${page.photo
              ? html`<p class="chosen">${page.photo.name}</p>`
              : html`<${Pad} strokes=${page.strokes} digits=${[]} onStroke=${(/** @type {Stroke} */ stroke, /** @type {boolean} */ isDone) => isDone && turnTo(withStroke(stroke))} />`}
            ${isEmpty && html`<p class="hint" aria-hidden="true">Draw here</p>`}
          </div>
          <div class="tools">
            <button disabled=${!canUndo} onClick=${undo}>Undo</button>
            <button disabled=${isEmpty} onClick=${() => turnTo(EMPTY)}>Clear</button>
            <label class="button"><input class="heard" type="file" accept="image/*" onChange=${(/** @type {{currentTarget: HTMLInputElement}} */ { currentTarget }) => {
              const photo = currentTarget.files?.[0];
              if (photo) turnTo({ strokes: [], photo });
              currentTarget.value = "";
            }} />Open picture</label>
            ${Object.entries(EXAMPLES).slice(0, 3).map(
              ([name, strokes]) => html`<button class="example" key=${name} aria-label="Example ${name}" onClick=${() => turnTo({ strokes, photo: null })}><svg viewBox="0 0 40 40" aria-hidden="true">${strokes.map((stroke) => html`<path d=${toPath(stroke, 40)} />`)}</svg></button>`,
            )}
          </div>
        </section>
        ${/** @type {const} */ (["a", "b"]).map(
          (side) => html`<${Side} key=${side} side=${side} version=${side === "a" ? a : b} versions=${versions} page=${isEmpty ? null : page} onChoose=${(/** @type {string} */ version) => setChosen({ a, b, [side]: version })} />`,
        )}
      </div>
    `}
  `;
}

/** @param {{side: string, version: string, versions: import("../views/models.js").Summary[], page: Page | null, onChoose: (version: string) => void}} properties */
function Side({ side, version, versions, page, onChoose }) {
  const [answer, setAnswer] = useState(/** @type {import("../api.js").Prediction | null} */ (null));
  const [error, setError] = useState(/** @type {import("../api.js").ApiError | null} */ (null));
  useEffect(() => {
    let isOld = false;
    setError(null);
    if (!page) return setAnswer(null);
    const ask = async () => {
      try {
        const found = await tell("POST", `/v1/predict?model=${encodeURIComponent(version)}`, page.photo ?? (await toPicture(page.strokes)));
        if (!isOld) setAnswer(found);
      } catch (problem) {
        if (isOld) return;
        setAnswer(null);
        setError(/** @type {import("../api.js").ApiError} */ (problem));
      }
    };
    ask();
    return () => {
      isOld = true;
    };
  }, [page, version]);
  return html`
    <section class="side" aria-label="Version ${version}" data-side=${side}>
      <label class="field"><span class="heard">Version ${side === "a" ? "on the left" : "on the right"}</span>
        <select value=${version} onChange=${(/** @type {{currentTarget: HTMLSelectElement}} */ { currentTarget }) => onChoose(currentTarget.value)}>
          ${versions.map((each) => html`<option key=${each.version} value=${each.version} selected=${each.version === version}>Version ${each.version}: ${each.dataset}, ${percent(each.test_accuracy)}</option>`)}
        </select>
      </label>
      <${Refusal} error=${error} />
      ${answer
        ? html`
            <p class="said"><strong class="figure ${answer.accepted ? "" : "unsure"}">${answer.digit}</strong><span role="status">${describe(answer)}</span></p>
            <${Bars} prediction=${answer} />
          `
        : !error && html`<${Empty} title="Nothing to read yet" />`}
    </section>
  `;
}
