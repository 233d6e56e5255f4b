/** "That was wrong, it is a 7": tells the service which digit a picture shows. */
import { ApiError, sendFeedback } from "../api.js";
import { html, useState } from "../view.js";

/** @param {{id: string, digit: number}} properties of the prediction */
export function Feedback({ id, digit }) {
  const [isOpen, setOpen] = useState(false);
  const [sent, setSent] = useState(/** @type {number | null} */ (null));
  const [problem, setProblem] = useState("");

  /** @param {number} right */
  const send = async (right) => {
    setProblem("");
    try {
      await sendFeedback(id, right);
      setSent(right);
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : "This could not be sent.");
    }
  };
  if (sent !== null) {
    return html`<p class="feedback" role="status">Thank you. The picture is kept as ${sent === 8 ? "an 8" : `a ${sent}`}, to train on.</p>`;
  }
  if (!isOpen) return html`<p class="feedback"><button class="plain" onClick=${() => setOpen(true)}>That was wrong</button></p>`;
  return html`
    <div class="feedback" role="group" aria-label="Which digit it is">
      <span>It is a</span>
      ${Array.from({ length: 10 }, (_, other) => other)
        .filter((other) => other !== digit)
        .map((other) => html`<button key=${other} onClick=${() => send(other)}>${other}</button>`)}
      <button class="plain" onClick=${() => setOpen(false)}>Cancel</button>
      ${problem && html`<p role="alert">${problem}</p>`}
    </div>
  `;
}
