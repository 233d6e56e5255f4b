/** One data set: its pictures by digit, and the correction of a label. */
import { get, tell } from "../api.js";
import { Choice } from "../choice.js";
import { Notice } from "../notice.js";
import { ago, plural, size } from "../parts/format.js";
import { useAction, useLoaded } from "../parts/loading.js";
import { Confirmed, Empty, Facts, Refusal, Waiting } from "../parts/pieces.js";
import { html, useEffect, useRef, useState } from "../view.js";

/**
 * @typedef {import("../views/datasets.js").Dataset} Dataset
 * @typedef {{position: number, digit: number, split: string, png: string}} Picture
 */

const PAGE = 120; // pictures at once
/** @type {Record<string, string>} */
const SPLITS = { train: "trained on", validation: "in the validation set", test: "in the test set" };

/** @param {{name: string}} properties */
export function One({ name }) {
  const { data: shown, error, reload } = useLoaded((signal) => /** @type {Promise<Dataset>} */ (get(`/v1/datasets/${encodeURIComponent(name)}`, signal)), name);
  const remove = async () => {
    await tell("DELETE", `/v1/datasets/${name}`);
    location.hash = "#/datasets";
  };
  return html`
    <p class="back"><a href="#/datasets">All data sets</a></p>
    <header class="title">
      <div>
        <h1>${name}</h1>
        <p class="purpose">${shown ? `${plural(shown.pictures ?? 0, "picture")}, as the network sees them.` : "A data set."}</p>
      </div>
      ${shown && !shown.built_in && html`
        <div class="tools">
          <a class="button main" href="#/train/new?dataset=${name}">Train on it</a>
          <${Confirmed} isDeletion label="Delete" question="The data set and its pictures go for good. Versions that learnt from it must have been deleted before, in Models." answer="Delete the data set" work=${remove} />
        </div>
      `}
    </header>
    ${error && html`<${Notice} title="This data set could not be shown" error=${error} scope="train" onRetry=${reload} />`}
    ${!shown && !error && html`<${Waiting} />`}
    ${shown?.built_in && html`<${Empty} title=${shown.description}><p>It comes with the service, which shows no pictures of it.</p><p><a class="button" href="#/train/new?dataset=${name}">Train on it</a></p><//>`}
    ${shown && !shown.built_in && html`
      <${Facts} items=${[
        ...Object.entries(shown.splits ?? {}).map(([split, count]) => /** @type {[string, unknown]} */ ([split, count.toLocaleString("en")])),
        ["size", size(shown.bytes ?? 0)],
        ["made", shown.created_at ? ago(shown.created_at) : "–"],
        ["SHA-256", html`<code title=${shown.sha256}>${shown.sha256?.slice(0, 12)}…</code>`],
      ]} />
      <${Pictures} dataset=${shown} onCorrected=${reload} />
      <${Rejected} dataset=${shown} />
    `}
  `;
}

/** @param {{dataset: Dataset, onCorrected: () => void}} properties */
function Pictures({ dataset, onCorrected }) {
  const [digit, setDigit] = useState("");
  const [offset, setOffset] = useState(0);
  const [chosen, setChosen] = useState(/** @type {Picture | null} */ (null));
  const [said, setSaid] = useState("");
  const query = new URLSearchParams({ limit: String(PAGE), offset: String(offset), ...(digit && { digit }) });
  const path = `${picturesOf(dataset)}?${query}`;
  const { data, error, reload } = useLoaded((signal) => /** @type {Promise<{items: Picture[], total: number}>} */ (get(path, signal)), `${path} ${dataset.sha256}`);
  const last = useRef(/** @type {{items: Picture[], total: number} | null} */ (null));
  last.current = data ?? last.current; // what is shown stays until the next page is there
  const page = last.current;
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const digits = [["", "All"], ...Object.keys(dataset.counts ?? {}).map((each) => [each, each])];
  /** @param {string} next */
  const turnTo = (next) => {
    setDigit(next);
    setOffset(0);
    setChosen(null);
  };
  /** The focus goes back to the picture. */
  const close = () => {
    /** @type {HTMLElement | null | undefined} */ (list.current?.querySelector("[aria-expanded=true]"))?.focus();
    setChosen(null);
  };
  return html`
    <section class="block" aria-label="Pictures">
      <div class="bar">
        <${Choice} label="Digit" options=${digits} value=${digit} onChoose=${turnTo} />
        ${dataset.name !== "feedback" && html`<span class="quiet" role="status">${said} Click a picture whose label is wrong.</span>`}
      </div>
      ${error && html`<${Notice} title="The pictures could not be read" error=${error} scope="train" onRetry=${reload} />`}
      ${page?.total === 0 && html`<${Empty} title="No picture with this label" />`}
      <ul class="pictures" ref=${list}>
        ${page?.items.map(
          (picture) => html`
            <li key=${picture.position}>
              <button class="bare" aria-label="Picture ${picture.position}, labelled ${picture.digit}" aria-expanded=${chosen?.position === picture.position ? "true" : "false"}
                disabled=${dataset.name === "feedback"} onClick=${() => setChosen(chosen?.position === picture.position ? null : picture)}>
                <img src=${picture.png} alt="" width="56" height="56" /><span>${picture.digit}</span>
              </button>
            </li>
          `,
        )}
      </ul>
      ${page && page.total > PAGE && html`
        <div class="bar">
          <span class="quiet">${offset + 1} to ${Math.min(offset + PAGE, page.total)} of ${page.total.toLocaleString("en")}</span>
          <div class="tools">
            <button disabled=${offset === 0} onClick=${() => setOffset(Math.max(0, offset - PAGE))}>Earlier</button>
            <button disabled=${offset + PAGE >= page.total} onClick=${() => setOffset(offset + PAGE)}>Later</button>
          </div>
        </div>
      `}
      ${chosen && html`<${Correction} key=${chosen.position} dataset=${dataset} picture=${chosen} onDone=${(/** @type {number} */ label) => (close(), setSaid(`Picture ${chosen.position} is labelled ${label} now.`), onCorrected())} onClose=${close} />`}
    </section>
  `;
}

/** @param {{dataset: Dataset, picture: Picture, onDone: (digit: number) => void, onClose: () => void}} properties */
function Correction({ dataset, picture, onDone, onClose }) {
  const place = useRef(/** @type {HTMLDivElement | null} */ (null));
  const { run, isBusy, error } = useAction(async (/** @type {number} */ digit) => {
    await tell("PATCH", `${picturesOf(dataset)}/${picture.position}`, { digit });
    onDone(digit);
  });
  useEffect(() => place.current?.querySelector("button")?.focus(), []);
  return html`
    <div class="correction" role="dialog" aria-label="Correct the label of picture ${picture.position}" ref=${place} onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && onClose()}>
      <img src=${picture.png} alt="Picture ${picture.position}" width="112" height="112" />
      <div>
        <strong>What does it show?</strong>
        <p class="quiet">It is labelled ${picture.digit}, and ${SPLITS[picture.split]}.</p>
        <div class="keys">
          ${Array.from({ length: 10 }, (_, digit) => html`<button key=${digit} disabled=${isBusy} aria-pressed=${digit === picture.digit} onClick=${() => (digit === picture.digit ? onClose() : run(digit))}>${digit}</button>`)}
        </div>
        <${Refusal} error=${error} />
      </div>
      <button class="small" onClick=${onClose}>Close</button>
    </div>
  `;
}

/** @param {Dataset} dataset */
function picturesOf({ name }) {
  return `/v1/datasets/${encodeURIComponent(name)}/pictures`;
}

/** @param {{dataset: Dataset}} properties */
function Rejected({ dataset }) {
  const { total = 0, items = [] } = dataset.rejected ?? {};
  if (!total) return null;
  return html`
    <details class="block">
      <summary>${plural(total, "file")} of the upload could not be used</summary>
      <table class="list">
        <thead><tr><th scope="col">File</th><th scope="col">Why</th></tr></thead>
        <tbody>${items.map(({ file, reason }) => html`<tr key=${file}><th scope="row"><code>${file}</code></th><td>${reason}</td></tr>`)}</tbody>
      </table>
    </details>
  `;
}
