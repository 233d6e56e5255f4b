/** How good a network is: in the result of a training and in the card of a version. */
import { html } from "../view.js";
import { interval, percent, plural, short } from "./format.js";
import { Facts, Picture } from "./pieces.js";

/**
 * @typedef {object} Figures of one set of pictures
 * @property {number} accuracy
 * @property {number} correct
 * @property {number} total
 * @property {number} loss
 * @property {[number, number]} interval_95
 * @property {number[][]} confusion rows: the label, columns: what was read
 */

/** @param {{figures: Figures, others: [string, unknown][]}} properties `others` stand beside the accuracy */
export function Accuracy({ figures, others }) {
  return html`
    <div class="headline">
      <p class="number">${percent(figures.accuracy)}</p>
      <p>of the test set, ${figures.correct.toLocaleString("en")} of ${plural(figures.total, "picture")}<br /><span class="quiet">95 % interval ${interval(figures)}</span></p>
    </div>
    <${Facts} items=${[["Test loss", short(figures.loss)], ...others]} />
  `;
}

/** @param {{figures: Figures}} properties */
export function Confusion({ figures }) {
  const { confusion } = figures;
  const mistakes = figures.total - figures.correct;
  return html`
    <section class="block">
      <h2>Which digit was taken for which</h2>
      <p class="quiet">${mistakes ? `${plural(mistakes, "mistake")}: a row for each digit, a column for what was read.` : "Not one mistake."}</p>
      <div class="scroll" tabindex="0" role="group" aria-label="Confusion matrix">
        <table class="matrix">
          <thead><tr><td></td>${confusion.map((_, digit) => html`<th scope="col" key=${digit}>${digit}</th>`)}</tr></thead>
          <tbody>
            ${confusion.map((row, digit) => {
              const total = sum(row);
              return html`
                <tr key=${digit}>
                  <th scope="row">${digit}</th>
                  ${row.map((count, read) => {
                    const share = ratio(count, total);
                    const depth = read === digit ? 0.28 * share : count && Math.min(0.75, 0.16 + 6 * share);
                    const look = count === 0 ? "none" : read === digit ? "right" : "wrong";
                    return html`<td key=${read} class=${look} style=${{ "--depth": depth.toFixed(3) }}>${count || "·"}</td>`;
                  })}
                </tr>
              `;
            })}
          </tbody>
        </table>
      </div>
    </section>
  `;
}

/** @param {{figures: Figures}} properties */
export function PerDigit({ figures: { confusion } }) {
  const digits = confusion.map((row, digit) => {
    const [right, shown, read] = [row[digit], sum(row), sum(confusion.map((other) => other[digit]))];
    return { precision: ratio(right, read), recall: ratio(right, shown), f1: ratio(2 * right, read + shown) };
  });
  const worst = Math.min(...digits.map(({ f1 }) => f1));
  return html`
    <section class="block">
      <h2>Digit by digit</h2>
      <p class="quiet">Precision: of what was read as it, how much is it. Recall: of what is it, how much was read as it.</p>
      <table class="list figures">
        <thead><tr><th scope="col">Digit</th><th scope="col">Precision</th><th scope="col">Recall</th><th scope="col">F1</th></tr></thead>
        <tbody>
          ${digits.map(
            ({ precision, recall, f1 }, digit) => html`
              <tr key=${digit} class=${f1 === worst && worst < 1 ? "worst" : ""}>
                <th scope="row">${digit}</th><td>${percent(precision)}</td><td>${percent(recall)}</td><td>${percent(f1)}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </section>
  `;
}

/** @param {{path: string}} properties */
export function Hardest({ path }) {
  return html`
    <section class="block">
      <h2>The hardest pictures</h2>
      <p class="quiet">The test pictures whose label got the lowest probability, whether they were read right or not.</p>
      <${Picture} path=${path} alt="The 25 test pictures that the network finds hardest, with labels and probabilities" />
    </section>
  `;
}

/** @param {number[]} counts */
function sum(counts) {
  return counts.reduce((total, count) => total + count, 0);
}

/**
 * @param {number} part
 * @param {number} whole
 */
function ratio(part, whole) {
  return whole ? part / whole : 0;
}
