/** The navigation of every page, and the views that it leads to. */
import { html, render } from "./view.js";

/** @typedef {{name: string, label: string, icon: string}} View Its component is in views/NAME.js, its style in views/NAME.css. */

/** @type {View[]} */
export const VIEWS = [
  { name: "draw", label: "Draw", icon: "M4 20l1-4L16.5 4.5a2.1 2.1 0 0 1 3 3L8 19zM14 7l3 3" },
];

/** @param {string} current the name of the view that is shown */
export function showNavigation(current) {
  const rail = document.getElementById("rail");
  if (rail) render(html`<${Links} current=${current} />`, rail);
}

/** @param {{current: string}} properties */
function Links({ current }) {
  /** @param {Event} event whose link must not change the hash: it names the view */
  const skip = (event) => {
    event.preventDefault();
    document.querySelector("main")?.focus();
  };
  return html`
    <a class="skip" href="#view" onClick=${skip}>Skip to the page</a>
    ${VIEWS.map(({ name, label, icon }) => html`<${Link} key=${name} href="/#/${name}" label=${label} icon=${icon} isCurrent=${name === current} />`)}
    <${Link} href="/docs" label="API" icon="M8 6l-5 6 5 6M16 6l5 6-5 6M13.5 4l-3 16" isCurrent=${current === "docs"} />
  `;
}

/** @param {{href: string, label: string, icon: string, isCurrent: boolean}} properties */
function Link({ href, label, icon, isCurrent }) {
  return html`
    <a href=${href} aria-current=${isCurrent ? "page" : undefined}>
      <svg viewBox="0 0 24 24" aria-hidden="true"><path d=${icon} /></svg>${label}
    </a>
  `;
}
