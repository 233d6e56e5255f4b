/** "That was wrong, it is a 7": tells the service which digit a picture shows. */
import { sendFeedback } from "../api.js";
import { useAction } from "../parts/loading.js";
import { html, useState } from "../view.js";
import { withArticle } from "./words.js";

/** @param {{id: string, digit: number}} properties of the prediction */
export function Feedback({ id, digit }) {
  const [isOpen, setOpen] = useState(false);
  const [sent, setSent] = useState(/** @type {number | null} */ (null));
  const { run, isBusy, error } = useAction(async (/** @type {number} */ right) => {
    await sendFeedback(id, right);
    setSent(right);
  });
  if (sent !== null) {
    return html`<p class="feedback" role="status">Thank you. The picture is kept as ${withArticle(sent)}, to train on.</p>`;
  }
  if (!isOpen) return html`<p class="feedback"><button class="plain" onClick=${() => setOpen(true)}>That was wrong</button></p>`;
  return html`
    <div class="feedback" role="group" aria-label="Which digit it is">
      <span>It is a</span>
      ${Array.from({ length: 10 }, (_, other) => other)
        .filter((other) => other !== digit)
        .map((other) => html`<button key=${other} disabled=${isBusy} onClick=${() => run(other)}>${other}</button>`)}
      <button class="plain" onClick=${() => setOpen(false)}>Cancel</button>
      ${error && html`<p role="alert">${error.message}</p>`}
    </div>
  `;
}
