/** What people write about a version. */
import { tell } from "../api.js";
import { useAction } from "../parts/loading.js";
import { Opening, Refusal } from "../parts/pieces.js";
import { html, useState } from "../view.js";

const MAX_LENGTH = 1000;

/** @type {Map<string, string>} what is typed of each version and not saved yet: it outlives a look at another view */
const drafts = new Map();

/** @param {{version: string, note: string | null, onChange: () => void}} properties */
export function Note({ version, note, onChange }) {
  const [text, setText] = useState(drafts.get(version) ?? note ?? "");
  const { run, isBusy, error, clear } = useAction(async (/** @type {() => void} */ close) => {
    await tell("PATCH", `/v1/models/${encodeURIComponent(version)}`, { note: text.trim() || null });
    drafts.delete(version);
    onChange();
    close();
  });
  const type = (/** @type {string} */ typed) => {
    drafts.set(version, typed);
    setText(typed);
  };
  const box = (/** @type {() => void} */ close) => html`
    <form onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), run(close))} novalidate>
      <div class="field">
        <label for="note">Note on version ${version}</label>
        <textarea id="note" rows="3" maxlength=${MAX_LENGTH} value=${text} aria-describedby="note-help" onInput=${(/** @type {{currentTarget: HTMLTextAreaElement}} */ { currentTarget }) => type(currentTarget.value)}></textarea>
        <p id="note-help">For all who see the version; empty: no note.</p>
      </div>
      <${Refusal} error=${error} />
      <div class="tools"><button class="main" disabled=${isBusy}>Save the note</button><button type="button" onClick=${close}>Not now</button></div>
    </form>
  `;
  return html`
    <div class="note">
      ${note && html`<p>${note}</p>`}
      <${Opening} label=${note ? "Change the note" : "Add a note"} look="small" box=${box} onOpen=${clear} />
    </div>
  `;
}
