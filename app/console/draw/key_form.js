/** Asks for an API key, where the service wants one. */
import { setKey } from "../api.js";
import { html } from "../view.js";

/** @param {{message: string, onKey: () => void}} properties */
export function KeyForm({ message, onKey }) {
  /** @param {SubmitEvent & {currentTarget: HTMLFormElement}} event */
  const submit = (event) => {
    event.preventDefault();
    setKey(String(new FormData(event.currentTarget).get("key")));
    onKey();
  };
  return html`
    <form class="notice" onSubmit=${submit}>
      <strong>This service wants an API key</strong>
      <p id="key-message" role="alert">${message}</p>
      <label for="key">API key</label>
      <div class="line">
        <input id="key" name="key" type="password" autocomplete="off" spellcheck=${false} required aria-describedby="key-message key-help" />
        <button class="main">Use this key</button>
      </div>
      <p id="key-help" class="quiet">It is kept in this tab alone, until you close it.</p>
    </form>
  `;
}
