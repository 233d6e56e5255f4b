/** One version: its card, its files, and its promotion. */
import { get, tell } from "../api.js";
import { Notice } from "../notice.js";
import { Accuracy, Confusion, Hardest, PerDigit } from "../parts/evaluation.js";
import { ago, duration, moment, percent, short, size } from "../parts/format.js";
import { useAction, useLoaded } from "../parts/loading.js";
import { Confirmed, Download, Facts, Refusal, Waiting } from "../parts/pieces.js";
import { html, useState } from "../view.js";
import { Note } from "./note.js";

/** @typedef {import("../views/models.js").Summary & {card: any, files: {name: string, size: number, sha256: string}[]}} Model */

/** @param {{version: string, onChange: () => void}} properties */
export function Version({ version, onChange }) {
  const { data: model, error, reload } = useLoaded((signal) => /** @type {Promise<Model>} */ (get(`/v1/models/${encodeURIComponent(version)}`, signal)), version);
  const [wasPromoted, setPromoted] = useState(false);
  /** @param {boolean} isForced */
  const promote = async (isForced = false) => {
    await tell("PUT", "/v1/models/aliases/champion", { version: model?.version, ...(isForced && { force: true }) });
    setPromoted(true);
    reload();
    onChange();
  };
  const remove = async () => {
    await tell("DELETE", `/v1/models/${encodeURIComponent(version)}`);
    location.hash = "#/models";
  };
  const force = useAction(() => promote(true));
  if (!model) {
    return html`
      <${Back} />
      <h1>Version ${version}</h1>
      ${error ? html`<${Notice} title="This version could not be shown" error=${error} onRetry=${reload} />` : html`<${Waiting} />`}
    `;
  }
  const { card } = model;
  const isChampion = model.aliases.includes("champion");
  const hasHardest = model.files.some(({ name }) => name === "hardest.png");
  return html`
    <${Back} />
    <header class="title">
      <div>
        <h1>Version ${model.version} ${model.aliases.map((alias) => html`<span class="tag" key=${alias}>${alias}</span>`)}</h1>
        <p class="purpose">Trained on ${model.dataset} with the recipe ${model.recipe}${model.job ? html`, <a href="#/train/${model.job}">by this run</a>` : ", and shipped with the program"}; registered ${ago(model.created_at)}.</p>
      </div>
      <div class="tools">
        ${!isChampion && model.dataset === "mnist" && html`
          <${Confirmed} look="main" label="Promote" question="If version ${model.version} is nowhere worse than the present champion, it takes its place and answers all predictions, at once." answer="Promote version ${model.version}" work=${() => promote()}
            more=${(/** @type {import("../api.js").ApiError} */ refused) =>
              refused.reasons.length > 0 && html`<button class="danger" disabled=${force.isBusy} onClick=${() => force.run()}>Promote all the same</button>`} />
        `}
        <a class="button" href="#/models/compare?a=${model.version}">Compare on a picture</a>
        ${!model.aliases.length && html`<${Confirmed} isDeletion label="Delete" question="Version ${model.version} goes for good, with its files." answer="Delete the version" work=${remove} />`}
      </div>
    </header>
    <${Refusal} error=${force.error} />
    ${wasPromoted && isChampion && html`<p class="notice good" role="status">Version ${model.version} answers all predictions now. The way back is in <a href="#/models">Models</a>.</p>`}
    ${model.dataset !== "mnist" && html`<p class="remark">Only a version that learnt from mnist alone may be the champion. Programs get this one by an alias: see <a href="#/models">Models</a>.</p>`}
    <${Note} version=${model.version} note=${model.note} onChange=${reload} />
    <${Accuracy} figures=${card.test} others=${[
      ["Validation", percent(card.validation.accuracy)],
      ["Pictures as people send them", card.pictures ? percent(card.pictures.accuracy) : "–"],
      ["Accepted", percent(card.calibration.test.coverage)],
      ["Right among the accepted", percent(card.calibration.test.coverage ? card.calibration.test.accuracy : null)],
      ["Parameters", card.parameters.toLocaleString("en")],
      ["Training", duration(card.seconds)],
    ]} />
    <div class="columns"><${Confusion} figures=${card.test} /><${PerDigit} figures=${card.test} /></div>
    ${hasHardest && html`<${Hardest} path="/v1/models/${model.version}/files/hardest.png" />`}
    <section class="block">
      <h2>Files</h2>
      <table class="list">
        <thead><tr><th scope="col">File</th><th scope="col" class="right">Size</th><th scope="col" class="wide">sha256</th><td></td></tr></thead>
        <tbody>
          ${model.files.map(
            (file) => html`<tr key=${file.name}><th scope="row">${file.name}</th><td class="right">${size(file.size)}</td><td class="wide"><code title=${file.sha256}>${file.sha256.slice(0, 24)}…</code></td><td class="right"><${Download} path="/v1/models/${model.version}/files/${file.name}" name=${file.name}>Download<//></td></tr>`,
          )}
        </tbody>
      </table>
    </section>
    <details class="block">
      <summary>How it was trained</summary>
      <${Facts} items=${[
        ["data set", `${card.dataset.name}, ${card.dataset.train.toLocaleString("en")} training pictures`],
        ["seed", String(card.seed)],
        ["made", moment(model.created_at)],
        ...Object.entries(card.recipe).map(([name, value]) => [name.replaceAll("_", " "), typeof value === "number" ? short(value) : String(value)]),
      ]} />
    </details>
  `;
}

function Back() {
  return html`<p class="back"><a href="#/models">All versions</a></p>`;
}
