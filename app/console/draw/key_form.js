/** Asks for an API key, where the service wants one. */
import { getKey, setKey } from "../api.js";
import { html } from "../view.js";

const HELP = "Reading pictures needs one with the scope predict. Whoever runs the service makes it: numeral keys create.";

/** @param {{message: string, onKey: () => void}} properties `message` says what is wrong with the key that was sent */
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
      <p id="key-message" role="alert">${getKey() ? message : HELP}</p>
      <label for="key">API key</label>
      <div class="line">
        <input id="key" name="key" type="password" autocomplete="off" spellcheck=${false} required aria-describedby="key-message key-help" />
        <button class="main">Use this key</button>
      </div>
      <p id="key-help" class="quiet">It is kept in this tab alone, until you close it.</p>
    </form>
  `;
}
