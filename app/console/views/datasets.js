/** Bring digits of one's own, look at them, and correct their labels. */
import { get } from "../api.js";
import { One } from "../datasets/one.js";
import { Upload } from "../datasets/upload.js";
import { Notice } from "../notice.js";
import { ago, size } from "../parts/format.js";
import { useLoaded, useTop } from "../parts/loading.js";
import { Empty, Waiting } from "../parts/pieces.js";
import { html } from "../view.js";

/**
 * @typedef {object} Dataset
 * @property {string} name
 * @property {boolean} built_in
 * @property {string} description
 * @property {number | null} pictures
 * @property {Record<string, number> | null} counts of each digit
 * @property {Record<string, number> | null} splits
 * @property {string | null} sha256
 * @property {number | null} bytes
 * @property {string | null} created_at
 * @property {{total: number, items: {file: string, reason: string}[]} | null} [rejected]
 */

/** @param {{path: string[]}} properties */
export default function Datasets({ path: [name] }) {
  useTop(name);
  return name ? html`<${One} key=${name} name=${name} />` : html`<${All} />`;
}

function All() {
  const { data, error, reload } = useLoaded((signal) => /** @type {Promise<{items: Dataset[]}>} */ (get("/v1/datasets", signal)), "all");
  const own = data?.items.filter((dataset) => !dataset.built_in) ?? [];
  return html`
    <h1>Data sets</h1>
    <p class="purpose">Train on digits of your own: from your scanner, your school, your hand.</p>
    ${error && html`<${Notice} title="The data sets could not be listed" error=${error} scope="train" onRetry=${reload} />`}
    ${!data && !error && html`<${Waiting} />`}
    ${data && html`
      <div class="library">
        <div>
          ${own.length
            ? html`
                <table class="list">
                  <thead><tr><th scope="col">Yours</th><th scope="col" class="right">Pictures</th><th scope="col" class="wide">Of each digit</th><th scope="col" class="right wide">Size</th><th scope="col" class="right">Made</th></tr></thead>
                  <tbody>
                    ${own.map(
                      (dataset) => html`
                        <tr key=${dataset.name}>
                          <th scope="row"><a href="#/datasets/${dataset.name}">${dataset.name}</a></th>
                          <td class="right">${dataset.pictures?.toLocaleString("en")}</td>
                          <td class="wide"><${Counts} counts=${dataset.counts ?? {}} /></td>
                          <td class="right wide">${size(dataset.bytes ?? 0)}</td>
                          <td class="right quiet">${dataset.created_at && ago(dataset.created_at)}</td>
                        </tr>
                      `,
                    )}
                  </tbody>
                </table>
              `
            : html`<${Empty} title="No data set of yours yet"><p>Put pictures into folders named 0 to 9, zip the folders, and upload the zip.</p><//>`}
          <section class="block">
            <h2>Included with the service</h2>
            <ul class="built-in">
              ${data.items.filter((dataset) => dataset.built_in).map(
                ({ name, description }) => html`<li key=${name}><strong>${name}</strong> <span class="quiet">${description}.</span> <a href="#/train/new?dataset=${name}" aria-label="Train on ${name}">Train on it</a></li>`,
              )}
            </ul>
          </section>
        </div>
        <${Upload} onDone=${(/** @type {Dataset} */ dataset) => (location.hash = `#/datasets/${dataset.name}`)} />
      </div>
    `}
  `;
}

/** @param {{counts: Record<string, number>}} properties */
export function Counts({ counts }) {
  const most = Math.max(1, ...Object.values(counts));
  const said = Object.entries(counts).map(([digit, count]) => `${digit}: ${count}`).join(", ");
  return html`
    <svg class="counts" viewBox="0 0 100 24" role="img" aria-label=${said}>
      ${Object.entries(counts).map(([digit, count], place) => {
        const height = count ? Math.max(2, (24 * count) / most) : 0;
        return html`<rect key=${digit} x=${10 * place + 1} y=${24 - height} width="8" height=${height} rx="1"><title>${digit}: ${count}</title></rect>`;
      })}
    </svg>
  `;
}
