/** Runs laid over each other. */
import { get } from "../api.js";
import { Notice } from "../notice.js";
import { COLOURS } from "../parts/chart.js";
import { duration, percent, plural, short, words } from "../parts/format.js";
import { useLoaded } from "../parts/loading.js";
import { Empty, Status, Waiting } from "../parts/pieces.js";
import { html } from "../view.js";
import { OverlaidCurves } from "./curves.js";

/** @param {{ids: string}} properties with commas between them */
export function Compare({ ids }) {
  const { data, error, reload } = useLoaded((signal) => get(`/v1/jobs/compare?ids=${encodeURIComponent(ids)}`, signal), ids, 3);
  const items = data?.items ?? [];
  const differences = Object.entries(data?.differences ?? {});
  const runs = items.map((/** @type {any} */ item, /** @type {number} */ place) => ({ label: `${place + 1}`, epochs: item.epochs }));
  return html`
    <p class="back"><a href="#/train">All runs</a></p>
    <h1>${items.length ? plural(items.length, "run") : "Runs"} compared</h1>
    <p class="purpose">Each run has its number and colour in all three charts.</p>
    ${error && html`<${Notice} title="These runs could not be compared" error=${error} scope="train" onRetry=${reload} />`}
    ${!data && !error && html`<${Waiting} />`}
    ${data && html`
      ${runs.some((/** @type {any} */ run) => run.epochs.length) ? html`<${OverlaidCurves} runs=${runs} />` : html`<${Empty} title="No epoch of any of them is done yet" />`}
      <section class="block">
        <div class="scroll" tabindex="0" role="group" aria-label="How each run ended">
          <table class="list figures">
            <thead><tr>${["Run", "State", "Best validation", "Test", "Time"].map((name) => html`<th scope="col" key=${name}>${name}</th>`)}</tr></thead>
            <tbody>
              ${items.map(
                (/** @type {any} */ item, /** @type {number} */ place) => html`
                  <tr key=${item.id}>
                    <th scope="row"><${Swatch} place=${place} /><a href="#/train/${item.id}">${place + 1}: ${item.name ?? item.recipe}</a></th>
                    <td><${Status} status=${item.status} /></td>
                    <td>${percent(item.best_validation_accuracy)}</td><td>${percent(item.test_accuracy)}</td><td>${duration(item.seconds)}</td>
                  </tr>
                `,
              )}
            </tbody>
          </table>
        </div>
      </section>
      ${differences.length > 0 && html`
        <section class="block">
          <h2>Where their settings differ</h2>
          <div class="scroll" tabindex="0" role="group" aria-label="Where their settings differ">
            <table class="list figures">
              <thead><tr><th scope="col">Setting</th>${items.map((/** @type {any} */ item, /** @type {number} */ place) => html`<th scope="col" key=${item.id}><${Swatch} place=${place} />${place + 1}</th>`)}</tr></thead>
              <tbody>
                ${differences.map(([name, values]) => html`<tr key=${name}><th scope="row">${words(name)}</th>${values.map((/** @type {unknown} */ value, /** @type {number} */ place) => html`<td key=${place}>${typeof value === "number" ? short(value) : String(value ?? "none")}</td>`)}</tr>`)}
              </tbody>
            </table>
          </div>
        </section>
      `}
    `}
  `;
}

/** @param {{place: number}} properties the colour of a run in the charts */
function Swatch({ place }) {
  return html`<span class="swatch ${place >= COLOURS.length ? "dashed" : ""}" style=${{ "--swatch": `var(${COLOURS[place % COLOURS.length]})` }}></span>`;
}
