/** What several views are made of. */
import { ApiError, getFile } from "../api.js";
import { save, useObjectUrl } from "../files.js";
import { html, useEffect, useRef, useState } from "../view.js";
import { useAction, useLoaded } from "./loading.js";

/** @type {Record<string, string>} the look of each status */
const TONES = { succeeded: "good", failed: "bad", running: "busy", impossible: "bad" };

/** @param {{status: string}} properties */
export function Status({ status }) {
  return html`<span class="status ${TONES[status] ?? ""}">${status}</span>`;
}

/**
 * What was refused, beside the control concerned.
 * @param {{error: ApiError | null}} properties
 */
export function Refusal({ error }) {
  if (!error) return null;
  return html`
    <div class="refusal" role="alert">
      ${error.reasons.length
        ? html`<p>It does not pass the gate:</p><ul>${error.reasons.map((reason) => html`<li key=${reason}>${reason}</li>`)}</ul>`
        : html`<p>${error.message}</p>`}
    </div>
  `;
}

/**
 * A button that opens a box in its place. The focus goes with it, and comes back.
 * @param {object} properties
 * @param {string} properties.label of the button
 * @param {(close: () => void) => unknown} properties.box
 * @param {() => void} [properties.onOpen]
 * @param {string} [properties.look] of the button: a class
 */
export function Opening({ label, box, onOpen, look = "" }) {
  const [isOpen, setOpen] = useState(false);
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const wasOpen = useRef(false);
  useEffect(() => {
    if (isOpen) /** @type {HTMLElement | null | undefined} */ (place.current?.querySelector("input, textarea, button"))?.focus();
    else if (wasOpen.current) place.current?.focus();
    wasOpen.current = isOpen;
  }, [isOpen]);
  const close = () => setOpen(false);
  if (!isOpen) return html`<button type="button" class=${look} ref=${place} onClick=${() => (onOpen?.(), setOpen(true))}>${label}</button>`;
  return html`
    <div class="question" role="group" aria-label=${label} ref=${place} onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && close()}>
      ${box(close)}
    </div>
  `;
}

/**
 * A button that asks once before it does something.
 * @param {object} properties
 * @param {string} properties.label of the button
 * @param {string} properties.question with what will happen
 * @param {string} properties.answer that does it
 * @param {() => Promise<unknown>} properties.work
 * @param {string} [properties.look] of the button: a class
 * @param {boolean} [properties.isDeletion]
 * @param {(error: ApiError) => unknown} [properties.more] what can be done when it was refused
 */
export function Confirmed({ label, question, answer, work, look = "", isDeletion = false, more }) {
  const { run, isBusy, error, clear } = useAction(async (/** @type {() => void} */ close) => {
    await work();
    close();
  });
  const box = (/** @type {() => void} */ close) => html`
    <p>${question}</p>
    <${Refusal} error=${error} />
    <div class="tools">
      ${error?.isFinal ? more?.(error) : html`<button type="button" class=${isDeletion ? "danger" : "main"} disabled=${isBusy} onClick=${() => run(close)}>${answer}</button>`}
      <button type="button" onClick=${close}>${error?.isFinal ? "Close" : "Not now"}</button>
    </div>
  `;
  return html`<${Opening} label=${label} look=${look} box=${box} onOpen=${clear} />`;
}

/**
 * @param {{title: string, children?: unknown}} properties what there is to do where nothing is yet
 */
export function Empty({ title, children }) {
  return html`<div class="empty"><strong>${title}</strong>${children}</div>`;
}

/** A place where something is about to be. */
export function Waiting() {
  return html`<p class="waiting" role="status">Loading</p>`;
}

/**
 * A picture that the service draws. It is asked for with the API key, which an <img> would not send.
 * @param {{path: string, alt: string}} properties
 */
export function Picture({ path, alt }) {
  const { data, error } = useLoaded((signal) => getFile(path, signal), path);
  const url = useObjectUrl(data);
  if (error) return html`<${Refusal} error=${error} />`;
  return url ? html`<img class="sheet" src=${url} alt=${alt} />` : html`<${Waiting} />`;
}

/**
 * @param {{path: string, name: string, children: unknown}} properties
 */
export function Download({ path, name, children }) {
  const { run, isBusy, error } = useAction(async () => save(await getFile(path), name));
  return html`<button class="small" disabled=${isBusy} onClick=${() => run()}>${children}</button><${Refusal} error=${error} />`;
}

/**
 * @param {{items: [string, unknown][]}} properties names and values
 */
export function Facts({ items }) {
  return html`<dl class="facts">${items.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}
