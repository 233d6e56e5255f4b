/** What the service says about the picture: the digit, how sure it is, and what it saw. */
import { html } from "../view.js";
import { Feedback } from "./feedback.js";
import { describe, describeReading, percent } from "./words.js";

/**
 * @typedef {import("../api.js").Prediction} Prediction
 * @typedef {import("../api.js").Reading} Reading
 * @typedef {import("../api.js").ReadDigit} ReadDigit
 * @typedef {import("./reader.js").Answer} Answer
 */

/**
 * @param {object} properties
 * @param {Answer | null} properties.answer
 * @param {unknown} properties.notice why there is no answer
 * @param {ReadDigit | null} properties.chosen of several digits
 * @param {(digit: ReadDigit) => void} properties.onChoose
 * @param {unknown} properties.children about the chosen digit
 */
export function Result({ answer, notice, chosen, onChoose, children }) {
  const reading = answer?.reading ?? null;
  return html`
    <section class="result" aria-label="Answer">
      ${notice || html`<${Verdict} answer=${answer} />`}
      ${reading
        ? html`<${Digits} reading=${reading} chosen=${chosen} onChoose=${onChoose} />${children}`
        : html`<${Details} prediction=${answer?.prediction ?? null} />`}
      <p class="origin">
        ${answer && `Read by version ${(answer.reading ?? answer.prediction).model.version} in ${Math.round(answer.milliseconds)} ms`}
      </p>
    </section>
  `;
}

/** @param {{answer: Answer | null}} properties */
function Verdict({ answer }) {
  if (!answer) {
    return html`
      <div class="verdict waiting">
        <div class="figure" aria-hidden="true">?</div>
        <p>Draw a digit, or choose a picture of one. The answer follows your pen.</p>
      </div>
    `;
  }
  const { prediction, reading } = answer;
  const isAccepted = reading ? reading.digits.every((digit) => digit.accepted) : prediction.accepted;
  const hasNothing = prediction?.reason === "blank" || prediction?.reason === "too_small";
  const text = hasNothing ? "–" : reading ? reading.text : String(prediction.digit);
  return html`
    <div class="verdict ${isAccepted ? "sure" : "unsure"}">
      <div class="figure ${text.length > 3 ? "long" : ""}" data-answer=${text}>${text}</div>
      <div role="status">
        <strong>${isAccepted ? "Accepted" : "Not accepted"}</strong>
        <p>${reading ? describeReading(reading) : describe(prediction)}</p>
      </div>
    </div>
  `;
}

/** @param {{prediction: Prediction | null}} properties what there is to say about one digit */
export function Details({ prediction }) {
  return html`
    <${Bars} prediction=${prediction} />
    ${prediction?.id && html`<${Feedback} key=${prediction.id} id=${prediction.id} digit=${prediction.digit} />`}
    <${Evidence} prediction=${prediction} />
  `;
}

/** @param {{prediction: Prediction | null}} properties */
export function Bars({ prediction }) {
  const best = prediction?.digit;
  return html`
    <ol class="bars" start="0" aria-label="Probability of each digit">
      ${Array.from({ length: 10 }, (_, digit) => {
        const share = prediction?.probabilities[digit] ?? 0;
        return html`
          <li class=${digit === best ? "best" : ""} key=${digit}>
            <span class="digit">${digit}</span>
            <span class="track" aria-hidden="true"><span style=${{ transform: `scaleX(${share.toFixed(4)})` }}></span></span>
            <span class="share">${prediction ? percent(share) : ""}</span>
          </li>
        `;
      })}
    </ol>
  `;
}

/** @param {{reading: Reading, chosen: ReadDigit | null, onChoose: (digit: ReadDigit) => void}} properties */
function Digits({ reading, chosen, onChoose }) {
  return html`
    <ol class="digits" aria-label="The digits, in reading order">
      ${reading.digits.map((read, index) => {
        const { digit, confidence, accepted } = read;
        return html`
          <li class=${accepted ? "" : "doubtful"} key=${index}>
            <button aria-pressed=${read === chosen} onClick=${() => onChoose(read)}>
              <strong>${digit}${accepted ? "" : "?"}</strong><span>${percent(confidence)}</span>
            </button>
          </li>
        `;
      })}
    </ol>
    ${!chosen && html`<p class="quiet">Choose a digit to see its probabilities and what the network sees of it.</p>`}
  `;
}

/** @param {{prediction: Prediction | null}} properties */
function Evidence({ prediction }) {
  const { png, overlay } = prediction?.image ?? {};
  return html`
    <div class="evidence">
      <figure>
        ${overlay
          ? html`<img src=${overlay} alt="Your picture, with the ink that was taken as the digit in blue" />`
          : html`<div class="blank"></div>`}
        <figcaption><strong>Ink it found</strong> The digit in blue, other ink framed in orange.</figcaption>
      </figure>
      <figure>
        ${png
          ? html`<img class="pixels" src=${png} alt="The picture that the network gets, 28 by 28 pixels" />`
          : html`<div class="blank"></div>`}
        <figcaption><strong>What it sees</strong> The digit centred in 28 × 28 pixels.</figcaption>
      </figure>
    </div>
  `;
}
