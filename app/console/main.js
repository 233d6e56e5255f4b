/** The page at /. */
import { showState } from "./state.js";
import { html, render } from "./view.js";
import { Draw } from "./views/draw.js";

const place = document.getElementById("draw");
if (place) render(html`<${Draw} onKey=${showState} />`, place);
showState();
