/** One of a few. */
import { html } from "./view.js";

/**
 * @template T
 * @param {{label: string, options: [value: T, text: string][], value: T, onChoose: (value: T) => void}} properties
 */
export function Choice({ label, options, value, onChoose }) {
  return html`
    <div class="choice" role="group" aria-label=${label}>
      ${options.map(
        ([each, text], place) => html`<button type="button" key=${place} aria-pressed=${each === value} onClick=${() => onChoose(each)}>${text}</button>`,
      )}
    </div>
  `;
}
