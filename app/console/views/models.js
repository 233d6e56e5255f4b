/** The versions: which one serves, how good each is, and what two of them say of one picture. */
import { get, tell } from "../api.js";
import { Aliases } from "../models/aliases.js";
import { Duel } from "../models/duel.js";
import { Version } from "../models/version.js";
import { Notice } from "../notice.js";
import { ago, moment, percent } from "../parts/format.js";
import { useLoaded, useTop } from "../parts/loading.js";
import { Confirmed, Waiting } from "../parts/pieces.js";
import { html } from "../view.js";

/**
 * @typedef {object} Summary of a version
 * @property {string} version
 * @property {string[]} aliases
 * @property {string} created_at
 * @property {number} test_accuracy
 * @property {number} validation_accuracy
 * @property {string} dataset
 * @property {string} recipe
 * @property {string | null} job
 * @property {string | null} note
 *
 * @typedef {{version: string, since: string, until: string | null, reason: string, forced: boolean}} Change of the champion
 */

/** @param {{path: string[], query: URLSearchParams, onKey: () => void}} properties */
export default function Models({ path: [place], query, onKey }) {
  useTop(place);
  if (place === "compare") return html`<${Duel} query=${query} />`;
  return place ? html`<${Version} key=${place} version=${place} onChange=${onKey} />` : html`<${All} onChange=${onKey} />`;
}

/** @param {{onChange: () => void}} properties */
function All({ onChange }) {
  const { data, error, reload } = useLoaded(load, "all", 10);
  const champion = data?.history[0];
  const former = findFormer(data?.history ?? []);
  const others = data?.versions.filter(({ version }) => version !== champion?.version) ?? [];
  const rollBack = async () => {
    await tell("POST", "/v1/models/aliases/champion/rollback", { expected_version: champion?.version });
    reload();
    onChange();
  };
  return html`
    <header class="title">
      <div><h1>Models</h1><p class="purpose">Which network answers, how good each one is, and the way back.</p></div>
      ${others.length > 0 && html`<a class="button" href="#/models/compare?a=${champion?.version ?? ""}&b=${others[0].version}">Compare two on a picture</a>`}
    </header>
    ${error && html`<${Notice} title="The versions could not be listed" error=${error} onRetry=${() => (reload(), onChange())} />`}
    ${!data && !error && html`<${Waiting} />`}
    ${data && champion && html`
      <section class="champion" aria-label="Champion">
        <div class="headline">
          <p class="number">${percent(data.versions.find(({ version }) => version === champion.version)?.test_accuracy)}</p>
          <p><strong><a href="#/models/${champion.version}">Version ${champion.version}</a> is the champion</strong><br /><span class="quiet">It has answered all predictions since ${moment(champion.since)}: ${describe(champion)}.</span></p>
        </div>
        ${former && html`<${Confirmed} label="Roll back" question="Version ${former}, which served before, answers all predictions again, at once." answer="Roll back to version ${former}" work=${rollBack} />`}
      </section>
    `}
    ${data && html`
      <div class="shelf">
        <div>
          <section class="block">
            <h2>All versions</h2>
            <table class="list">
              <thead><tr><th scope="col">Version</th><th scope="col" class="right">Test</th><th scope="col" class="right wide">Validation</th><th scope="col">Trained on</th><th scope="col" class="right wide">Made</th></tr></thead>
              <tbody>
                ${data.versions.map(
                  (each) => html`
                    <tr key=${each.version}>
                      <th scope="row"><a href="#/models/${each.version}">Version ${each.version}</a> ${each.aliases.map((alias) => html`<span class="tag" key=${alias}>${alias}</span>`)}${each.note && html`<span class="quiet">${each.note}</span>`}</th>
                      <td class="right">${percent(each.test_accuracy)}</td><td class="right wide">${percent(each.validation_accuracy)}</td>
                      <td>${each.dataset}<span class="quiet wide">, ${each.recipe}</span></td><td class="right quiet wide">${ago(each.created_at)}</td>
                    </tr>
                  `,
                )}
              </tbody>
            </table>
          </section>
          ${data.versions.length > 0 && html`<${Aliases} aliases=${data.aliases} versions=${data.versions} onChange=${() => (reload(), onChange())} />`}
        </div>
        <section class="block">
          <h2>Who served when</h2>
          <ol class="timeline">
            ${data.history.map(
              (change) => html`
                <li key=${change.since} class=${change.until ? "" : "now"}>
                  <strong><a href="#/models/${change.version}">Version ${change.version}</a>${change.until ? "" : " serves"}</strong>
                  <span class="quiet">from ${moment(change.since)}: ${describe(change)}</span>
                </li>
              `,
            )}
          </ol>
        </section>
      </div>
    `}
  `;
}

/** @param {Change} change */
function describe({ reason, forced }) {
  return `${reason.replace(/^set by a client/, "promoted by hand")}${forced ? ", although the gate refused it" : ""}`;
}

/**
 * @param {Change[]} history newest first
 * @returns {string | undefined} the version that a rollback brings back: each one undoes the promotion before it
 */
function findFormer(history) {
  /** @type {string[]} */
  const served = [];
  for (const { version, reason } of history.toReversed()) {
    if (reason.startsWith("rollback")) served.pop();
    else served.push(version);
  }
  return served.at(-2);
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<{versions: Summary[], aliases: import("../models/aliases.js").Alias[], history: Change[]}>}
 */
async function load(signal) {
  const [{ items: versions }, { items: aliases }] = await Promise.all([get("/v1/models", signal), get("/v1/models/aliases", signal)]);
  const hasChampion = versions.some((/** @type {Summary} */ each) => each.aliases.includes("champion"));
  const history = hasChampion ? (await get("/v1/models/aliases/champion/history?limit=1000", signal)).items : [];
  return { versions, aliases, history };
}
