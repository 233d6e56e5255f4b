/** What went wrong, where the person is looking, and what to do. */
import { ApiError } from "./api.js";
import { KeyForm } from "./key_form.js";
import { html } from "./view.js";

/**
 * @param {object} properties
 * @param {string} properties.title
 * @param {ApiError} properties.error
 * @param {string} [properties.scope] of the API key that is needed
 * @param {() => void} properties.onRetry
 * @param {() => void} [properties.onKey] after a key was given
 */
export function Notice({ title, error, scope = "predict", onRetry, onKey = onRetry }) {
  if (error.needsKey) return html`<${KeyForm} message=${error.message} scope=${scope} onKey=${onKey} />`;
  return html`
    <div class="notice bad">
      <strong>${title}</strong>
      <p role="alert">${error.message}</p>
      ${(error.status === 0 || error.status >= 429) && html`<button onClick=${onRetry}>Try again</button>`}
    </div>
  `;
}
