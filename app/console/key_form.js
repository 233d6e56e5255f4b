/** Asks for an API key, where the service wants one. */
import { getKey, setKey } from "./api.js";
import { html, useState } from "./view.js";

const NO_KEY = "This is no API key: keys are made of plain letters, digits and signs, without spaces. Copy it once more.";
const PRINTABLE = /^[\x21-\x7e]+$/; // no other character can be sent in a header as it stands

/** @param {{message: string, scope: string, onKey: () => void}} properties `message` says what is wrong with the key that was sent */
export function KeyForm({ message, scope, onKey }) {
  const help = `This needs one with the scope ${scope}. Whoever runs the service makes it: numeral keys create.`;
  const [isRefused, setRefused] = useState(false);

  /** @param {SubmitEvent & {currentTarget: HTMLFormElement}} event */
  const submit = (event) => {
    event.preventDefault();
    const key = String(new FormData(event.currentTarget).get("key")).trim();
    setRefused(!PRINTABLE.test(key));
    if (!PRINTABLE.test(key)) return;
    setKey(key);
    onKey();
  };
  return html`
    <form class="notice" onSubmit=${submit}>
      <strong>This service wants an API key</strong>
      <p id="key-message" role="alert">${isRefused ? NO_KEY : getKey() ? message : help}</p>
      <label for="key">API key</label>
      <div class="line">
        <input id="key" name="key" type="password" autocomplete="off" spellcheck=${false} required aria-describedby="key-message key-help" />
        <button class="main">Use this key</button>
      </div>
      <p id="key-help" class="quiet">It is kept in this tab alone, until you close it.</p>
    </form>
  `;
}
