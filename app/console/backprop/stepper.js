/** The forward and the backward pass, one formula after the other. */
import { loadStyle } from "../style.js";
import katex from "../vendor/katex/katex.js";
import { html, useEffect, useRef } from "../view.js";
import { digits, toLatex } from "./numbers.js";

await loadStyle("console/vendor/katex/katex.css");

/**
 * @typedef {import("./steps.js").Step} Step
 */

/** @type {Record<Step["section"], string>} */
const TITLES = { Forward: "Forward pass", Error: "Error", Backward: "Backward pass", Update: "Update" };

/** @type {Record<Step["section"], string>} */
const EXPLAINED = {
  Forward: "The inputs run through the network: each unit adds up what reaches it, and its activation follows from the sum.",
  Error: "Half the squared distance of each output from its target.",
  Backward: "How the error changes with each quantity: the chain rule, from the outputs back to the inputs.",
  Update: "All weights step at once, against their gradients, by the learning rate η.",
};

/**
 * @param {object} properties
 * @param {Step[]} properties.steps
 * @param {number} properties.current
 * @param {(index: number) => void} properties.onStep
 * @param {string} properties.note
 */
export function Stepper({ steps, current, onStep, note }) {
  const step = steps[current];
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const place = /** @type {HTMLElement | null | undefined} */ (list.current?.querySelector("[aria-current]"));
    if (!place || !list.current) return; // the list alone is scrolled, not the page
    list.current.scrollTop = place.offsetTop - list.current.offsetTop - list.current.clientHeight / 2;
  }, [current]);

  /** @param {KeyboardEvent} event */
  const move = (event) => {
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!way) return;
    event.preventDefault();
    const next = Math.min(Math.max(current + way, 0), steps.length - 1);
    onStep(next);
    /** @type {HTMLElement | undefined} */ (list.current?.querySelectorAll("button")[next])?.focus({ preventScroll: true });
  };
  const sections = [...new Set(steps.map(({ section }) => section))];
  return html`
    <section class="stepper" aria-labelledby="steps-title">
      <div class="bar">
        <h2 id="steps-title">Step by step</h2>
        <p class="quiet">${note}</p>
      </div>
      <div class="derivation">
        <div class="card">
          <div class="bar">
            <p class="where"><strong>${TITLES[step.section]}</strong> step ${current + 1} of ${steps.length}</p>
            <div class="pair">
              <button onClick=${() => onStep(current - 1)} disabled=${current === 0}>Back</button>
              <button class="main" onClick=${() => onStep((current + 1) % steps.length)}>${current === steps.length - 1 ? "Again" : "Next"}</button>
            </div>
          </div>
          <p class="quiet">${EXPLAINED[step.section]}</p>
          <div class="formula" role="group" aria-label="The formula, and with the numbers put in" tabindex="0">
            <${Formula} latex=${step.latex} />
            <${Formula} latex=${`= ${step.numbers}`} />
            <${Formula} latex=${`= ${toLatex(step.value, 9)}`} />
          </div>
          <p class="heard" role="status">${step.symbol} = ${digits(step.value, 9)}</p>
        </div>
        <div class="steps" ref=${list} onKeyDown=${move}>
          ${sections.map(
            (section) => html`
              <h3 key=${section}>${TITLES[section]}</h3>
              <ol key=${`${section} steps`} aria-label=${TITLES[section]}>
                ${steps.map(
                  ({ section: its, symbol, value }, index) =>
                    its === section &&
                    html`
                      <li key=${index}>
                        <button title=${digits(value, 17)} aria-current=${index === current ? "step" : undefined} tabindex=${index === current ? 0 : -1} data-step=${symbol} data-value=${value} onClick=${() => onStep(index)}>
                          <span>${symbol}</span><span>${digits(value, 7)}</span>
                        </button>
                      </li>
                    `,
                )}
              </ol>
            `,
          )}
        </div>
      </div>
    </section>
  `;
}

/** @param {{latex: string}} properties */
function Formula({ latex }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if (place.current) katex.render(latex, place.current, { displayMode: true, throwOnError: false });
  }, [latex]);
  return html`<div ref=${place}></div>`;
}
