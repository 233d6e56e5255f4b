/** Train a network, watch it learn, and compare what came of it. */
import { useTop } from "../parts/loading.js";
import { Compare } from "../train/compare.js";
import { StartForm } from "../train/form.js";
import { Run } from "../train/run.js";
import { Runs } from "../train/runs.js";
import { html } from "../view.js";

/** @param {{path: string[], query: URLSearchParams}} properties */
export default function Train({ path: [place], query }) {
  useTop(place);
  if (place === "new") return html`<${StartForm} key=${query.toString()} query=${query} />`;
  if (place === "compare") return html`<${Compare} ids=${query.get("ids") ?? ""} />`;
  return place ? html`<${Run} key=${place} id=${place} />` : html`<${Runs} key=${query.get("kind")} query=${query} />`;
}
