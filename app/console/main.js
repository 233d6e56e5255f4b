/** The page at /: shows the view that the address names, and loads no other. */
import { ApiError } from "./api.js";
import { VIEWS, showNavigation } from "./navigation.js";
import { Notice } from "./notice.js";
import { readRoute } from "./route.js";
import { showState } from "./state.js";
import { loadStyle } from "./style.js";
import { html, render } from "./view.js";

const place = /** @type {HTMLElement} */ (document.getElementById("view"));
let shown = ""; // the name of the view that is on the page
let visit = 0; // counts the changes of the address, so that only the last one is shown

async function show() {
  const { name, path, query } = readRoute();
  const view = VIEWS.find((each) => each.name === name) ?? VIEWS[0];
  const mine = ++visit;
  showNavigation(view.name);
  place.ariaBusy = "true"; // dimmed if it takes long
  try {
    const [{ default: Component }, dropOther] = await load(view.name);
    if (mine !== visit) return;
    render(html`<${Component} key=${view.name} path=${path} query=${query} onKey=${showState} />`, place);
    dropOther();
  } catch (problem) {
    if (mine !== visit) return;
    const isLost = problem instanceof ApiError;
    if (!isLost) reportError(problem);
    const error = isLost ? problem : new ApiError("There is an error in this page. Load it again; what it says in the browser's console helps to mend it.", 0);
    render(html`<${Notice} title="This page could not be ${isLost ? "loaded" : "shown"}" error=${error} onRetry=${show} />`, place);
  }
  place.ariaBusy = "false";
  document.title = `${view.label} · Numeral`;
  if (shown && shown !== view.name) place.focus({ preventScroll: true }); // a reader of the screen begins there
  if (shown !== view.name) scrollTo(0, 0);
  shown = view.name;
}

/**
 * @param {string} name of a view
 * @returns {Promise<[{default: unknown}, () => void]>} its module, and what removes the style of the view before it
 */
async function load(name) {
  try {
    return await Promise.all([import(`./views/${name}.js`), loadViewStyle(name)]);
  } catch {
    throw new ApiError("The service does not answer. Look whether it is running, then try again.", 0);
  }
}

/**
 * The style of one view at a time, so that none has to mind the names of another.
 * @param {string} name
 * @returns {Promise<() => void>} removes the style of the view before it
 */
async function loadViewStyle(name) {
  const link = await loadStyle(`console/views/${name}.css`);
  link.dataset.view = name;
  return () => document.querySelectorAll("link[data-view]").forEach((other) => other === link || other.remove());
}

addEventListener("hashchange", show);
show();
showState();
