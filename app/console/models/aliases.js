/** Names that stand for versions: who asks for one gets the version that it stands for. */
import { tell } from "../api.js";
import { ago } from "../parts/format.js";
import { useAction } from "../parts/loading.js";
import { Confirmed, Refusal } from "../parts/pieces.js";
import { html, useEffect, useRef, useState } from "../view.js";

const FORM = "A lower-case letter, then up to 39 lower-case letters, digits, - and _.";

/**
 * @typedef {import("../views/models.js").Summary} Summary
 * @typedef {import("../views/models.js").Change & {alias: string}} Alias
 */

/** @param {{aliases: Alias[], versions: Summary[], onChange: () => void}} properties */
export function Aliases({ aliases, versions, onChange }) {
  /** @param {Alias} each */
  const remove = async ({ alias, version }) => {
    await tell("DELETE", place(alias), undefined, { "If-Match": `"${version}"` });
    onChange();
  };
  return html`
    <section class="block">
      <h2>Aliases</h2>
      <p class="quiet">A name for a version, so that programs need not change: <code>POST /v1/predict?model=staging</code>. Who names none gets the champion.</p>
      <table class="list aliases">
        <thead><tr><th scope="col">Alias</th><th scope="col">Stands for</th><th scope="col" class="wide">Since</th><td></td></tr></thead>
        <tbody>
          ${aliases.map(
            (each) => html`
              <tr key=${each.alias}>
                <th scope="row">${each.alias}</th><td><a href="#/models/${each.version}">Version ${each.version}</a></td><td class="quiet wide">${ago(each.since)}</td>
                <td>${each.alias !== "champion" && html`<${Confirmed} isDeletion look="small" label="Remove" question="Requests that ask for ${each.alias} are refused from then on." answer="Remove ${each.alias}" work=${() => remove(each)} />`}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
      <${AliasForm} aliases=${aliases} versions=${versions} onChange=${onChange} />
    </section>
  `;
}

/** @param {{aliases: Alias[], versions: Summary[], onChange: () => void}} properties asks once before it moves an alias */
function AliasForm({ aliases, versions, onChange }) {
  const [alias, setAlias] = useState("");
  const [chosen, setChosen] = useState(versions[0].version); // which stays when a newer one comes
  const [isAsking, setAsking] = useState(false);
  const question = useRef(/** @type {HTMLElement | null} */ (null));
  const present = aliases.find((each) => each.alias === alias.trim());
  const { run, isBusy, error, clear } = useAction(async () => {
    await tell("PUT", place(alias.trim()), { version: chosen, ...(present && { expected_version: present.version }) });
    setAlias("");
    setAsking(false);
    onChange();
  });
  const isOfName = error?.errors[0]?.location === "path.alias";
  useEffect(() => {
    if (isAsking) question.current?.querySelector("button")?.focus();
  }, [isAsking]);
  /** @param {() => void} change */
  const edit = (change) => {
    change();
    setAsking(false);
    clear();
  };
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    if (present && present.version !== chosen && !isAsking) setAsking(true);
    else run();
  };
  return html`
    <form class="alias" onSubmit=${submit} novalidate>
      <div class="field">
        <label for="alias">Alias</label>
        <input id="alias" value=${alias} placeholder="staging" autocomplete="off" spellcheck=${false} aria-describedby="alias-help" aria-invalid=${isOfName ? "true" : undefined}
          onInput=${(/** @type {{currentTarget: HTMLInputElement}} */ { currentTarget }) => edit(() => setAlias(currentTarget.value))} />
        <p id="alias-help">${isOfName ? html`<strong role="alert">${FORM}</strong>` : FORM}</p>
      </div>
      <div class="field">
        <label for="alias-version">Stands for</label>
        <select id="alias-version" onChange=${(/** @type {{currentTarget: HTMLSelectElement}} */ { currentTarget }) => edit(() => setChosen(currentTarget.value))}>
          ${versions.map((each) => html`<option key=${each.version} value=${each.version} selected=${each.version === chosen}>Version ${each.version}</option>`)}
        </select>
      </div>
      ${!isAsking && html`<button key="set" disabled=${isBusy || !alias.trim()}>Set the alias</button>`}
      ${isAsking && present && html`
        <div class="question" key="question" role="group" aria-label="Move the alias" ref=${question}>
          <p>${present.alias} stands for version ${present.version}. Requests ${present.alias === "champion" ? "that name no version" : "that ask for it"} get version ${chosen} at once.</p>
          <div class="tools"><button class="main" disabled=${isBusy}>Move ${present.alias} to version ${chosen}</button><button type="button" onClick=${() => setAsking(false)}>Not now</button></div>
        </div>
      `}
      <${Refusal} error=${isOfName ? null : error} />
    </form>
  `;
}

/** @param {string} alias */
function place(alias) {
  return `/v1/models/aliases/${encodeURIComponent(alias)}`;
}
