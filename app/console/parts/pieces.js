/** What several views are made of. */
import { ApiError, getFile } from "../api.js";
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
      ${error.reasons.length > 1
        ? html`<p>It does not pass the gate:</p><ul>${error.reasons.map((reason) => html`<li key=${reason}>${reason}</li>`)}</ul>`
        : html`<p>${error.message}</p>`}
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
 * @param {(error: ApiError) => unknown} [properties.more] what can be done when it was refused
 */
export function Confirmed({ label, question, answer, work, look = "", more }) {
  const [isAsking, setAsking] = useState(false);
  const place = useRef(/** @type {HTMLDivElement | null} */ (null));
  const { run, isBusy, error, clear } = useAction(async () => {
    await work();
    setAsking(false);
  });
  useEffect(() => {
    if (isAsking) place.current?.querySelector("button")?.focus();
  }, [isAsking]);
  if (!isAsking) return html`<button class=${look} onClick=${() => (clear(), setAsking(true))}>${label}</button>`;
  return html`
    <div class="question" role="group" aria-label=${label} ref=${place}>
      <p>${question}</p>
      <${Refusal} error=${error} />
      <div class="tools">
        ${(error && more?.(error)) || html`<button class="main" disabled=${isBusy} onClick=${() => run()}>${answer}</button>`}
        <button onClick=${() => setAsking(false)}>Not now</button>
      </div>
    </div>
  `;
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
  const { data, error } = useLoaded(async (signal) => URL.createObjectURL(await getFile(path, signal)), path);
  useEffect(() => () => URL.revokeObjectURL(data ?? ""), [data]);
  if (error) return html`<${Refusal} error=${error} />`;
  return data ? html`<img class="sheet" src=${data} alt=${alt} />` : html`<${Waiting} />`;
}

/**
 * @param {{path: string, name: string, children: unknown}} properties
 */
export function Download({ path, name, children }) {
  const { run, isBusy, error } = useAction(async () => {
    const url = URL.createObjectURL(await getFile(path));
    Object.assign(document.createElement("a"), { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  });
  return html`<button class="small" disabled=${isBusy} onClick=${() => run()}>${children}</button><${Refusal} error=${error} />`;
}

/**
 * One of a few.
 * @param {{label: string, options: [value: string, text: string][], value: string, onChoose: (value: string) => void}} properties
 */
export function Choice({ label, options, value, onChoose }) {
  return html`
    <div class="choice" role="group" aria-label=${label}>
      ${options.map(
        ([name, text]) => html`<button type="button" key=${name} aria-pressed=${name === value} onClick=${() => onChoose(name)}>${text}</button>`,
      )}
    </div>
  `;
}

/**
 * @param {{items: [string, unknown][]}} properties names and values
 */
export function Facts({ items }) {
  return html`<dl class="facts">${items.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}
