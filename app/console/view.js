/** Preact with htm: views are functions from properties to HTML, without a build step. */
import htm from "./vendor/htm/htm.js";
import { h } from "./vendor/preact/preact.js";

export { render } from "./vendor/preact/preact.js";
export { useEffect, useMemo, useRef, useState } from "./vendor/preact/hooks.js";

/** @type {(strings: TemplateStringsArray, ...values: unknown[]) => import("./vendor/preact/preact.js").VNode<any>} */
export const html = /** @type {any} */ (htm.bind(/** @type {any} */ (h)));
