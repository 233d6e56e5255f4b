/** The navigation of every page, and the views that it leads to. */
import { html, render } from "./view.js";

/** @typedef {{name: string, label: string, icon: string}} View Its component is in views/NAME.js, its style in views/NAME.css. */

/** @type {View[]} */
export const VIEWS = [
  { name: "draw", label: "Draw", icon: "M4 20l1-4L16.5 4.5a2.1 2.1 0 0 1 3 3L8 19zM14 7l3 3" },
  { name: "backprop", label: "Backprop", icon: "M8 7l8 4M8 17l8-4M3 6a2.5 2.5 0 1 0 5 0 2.5 2.5 0 1 0-5 0M3 18a2.5 2.5 0 1 0 5 0 2.5 2.5 0 1 0-5 0M16 12a2.5 2.5 0 1 0 5 0 2.5 2.5 0 1 0-5 0" },
  { name: "train", label: "Train", icon: "M4 4v16h16M7 8c3 7 6 8 12 8" },
  { name: "datasets", label: "Data", icon: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z" },
  { name: "models", label: "Models", icon: "M12 3l9 5-9 5-9-5zM3 12.5l9 5 9-5M3 17l9 5 9-5" },
  { name: "system", label: "System", icon: "M4 5h16v6H4zM4 13h16v6H4zM7.5 8h.01M7.5 16h.01" },
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
    ${VIEWS.map(({ name, label, icon }) => html`<${Link} key=${name} href="./#/${name}" label=${label} icon=${icon} isCurrent=${name === current} />`)}
    <${Link} href="docs" label="API" icon="M8 6l-5 6 5 6M16 6l5 6-5 6M13.5 4l-3 16" isCurrent=${current === "docs"} />
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
