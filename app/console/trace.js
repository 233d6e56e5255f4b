/** The page of a derivation: sets its formulas, which it has as LaTeX. */
import katex from "./vendor/katex/katex.js";

for (const element of document.querySelectorAll(".formula")) {
  katex.render(element.textContent ?? "", /** @type {HTMLElement} */ (element), { displayMode: true, throwOnError: false });
}
