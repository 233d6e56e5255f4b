/** The curves of one training, or of several over each other. */
import { Chart, COLOURS } from "../parts/chart.js";
import { percent, short } from "../parts/format.js";
import { html } from "../view.js";

/**
 * @typedef {object} Epoch
 * @property {number} epoch from 1
 * @property {number} train_loss
 * @property {number} validation_loss
 * @property {number} validation_accuracy
 * @property {number} learning_rate
 * @property {number} images_per_second
 */

/** @param {{epochs: Epoch[], total: number}} properties */
export function Curves({ epochs, total }) {
  const steps = epochs.map(({ epoch }) => epoch);
  return html`
    <div class="curves">
      <${Chart} title="Loss" steps=${steps} until=${total} lines=${[
        { label: "train", values: epochs.map((epoch) => epoch.train_loss), colour: COLOURS[0] },
        { label: "validation", values: epochs.map((epoch) => epoch.validation_loss), colour: COLOURS[1] },
      ]} />
      <${Chart} title="Accuracy on the validation set" steps=${steps} until=${total} format=${percent} lines=${[
        { label: "validation", values: epochs.map((epoch) => epoch.validation_accuracy), colour: COLOURS[1] },
      ]} />
      <${Chart} title="Learning rate" steps=${steps} until=${total} lines=${[
        { label: "rate", values: epochs.map((epoch) => epoch.learning_rate), colour: COLOURS[2] },
      ]} />
    </div>
  `;
}

/** @param {{runs: {label: string, epochs: Epoch[]}[]}} properties */
export function OverlaidCurves({ runs }) {
  const length = Math.max(0, ...runs.map(({ epochs }) => epochs.length));
  const steps = Array.from({ length }, (_, step) => step + 1);
  /** @param {(epoch: Epoch) => number} read */
  const lines = (read) =>
    runs.map(({ label, epochs }, place) => ({
      label,
      values: steps.map((_, step) => (epochs[step] ? read(epochs[step]) : null)),
      colour: COLOURS[place % COLOURS.length],
      isDashed: place >= COLOURS.length,
    }));
  return html`
    <div class="curves">
      <${Chart} title="Accuracy on the validation set" steps=${steps} format=${percent} lines=${lines((epoch) => epoch.validation_accuracy)} />
      <${Chart} title="Loss of the training pictures" steps=${steps} lines=${lines((epoch) => epoch.train_loss)} />
      <${Chart} title="Learning rate" steps=${steps} lines=${lines((epoch) => epoch.learning_rate)} />
    </div>
  `;
}

/** @param {{epochs: Epoch[]}} properties every number, to read and to copy */
export function EpochTable({ epochs }) {
  return html`
    <details class="block">
      <summary>The numbers of each epoch</summary>
      <div class="scroll" tabindex="0" role="group" aria-label="Numbers of each epoch">
        <table class="list figures">
          <thead><tr>${["Epoch", "Train loss", "Validation loss", "Accuracy", "Learning rate", "Pictures / s"].map((name) => html`<th scope="col" key=${name}>${name}</th>`)}</tr></thead>
          <tbody>
            ${epochs.map(
              (epoch) => html`
                <tr key=${epoch.epoch}>
                  <th scope="row">${epoch.epoch}</th><td>${short(epoch.train_loss)}</td><td>${short(epoch.validation_loss)}</td>
                  <td>${percent(epoch.validation_accuracy)}</td><td>${short(epoch.learning_rate)}</td>
                  <td>${Math.round(epoch.images_per_second).toLocaleString("en")}</td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
    </details>
  `;
}

/**
 * The course of the accuracy, for a list.
 * @param {{epochs: Epoch[]}} properties
 */
export function Sparkline({ epochs }) {
  if (epochs.length < 2) return null;
  const values = epochs.map((epoch) => epoch.validation_accuracy);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const points = values.map((value, step) => `${((96 * step) / (values.length - 1)).toFixed(1)},${(22 - (20 * (value - low)) / (high - low || 1)).toFixed(1)}`);
  return html`<svg class="spark" viewBox="0 0 96 24" aria-hidden="true"><polyline points=${points.join(" ")} /></svg>`;
}
