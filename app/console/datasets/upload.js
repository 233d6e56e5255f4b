/** Uploads a zip of pictures, or IDX files. */
import { ApiError, tell } from "../api.js";
import { KeyForm } from "../key_form.js";
import { plural, size } from "../parts/format.js";
import { useAction } from "../parts/loading.js";
import { Refusal } from "../parts/pieces.js";
import { html, useEffect, useState } from "../view.js";

const MAX_FILES = 4;
const FORM = "A lower-case letter, then up to 39 lower-case letters, digits, - and _.";

/** What is typed and chosen outlives a look at another view. */
const draft = { name: "", files: /** @type {File[]} */ ([]) };

/** @param {{onDone: (dataset: import("../views/datasets.js").Dataset) => void}} properties */
export function Upload({ onDone }) {
  const [name, setName] = useState(draft.name);
  const [files, setFiles] = useState(draft.files);
  const [isOver, setOver] = useState(false);
  useEffect(() => void Object.assign(draft, { name, files }), [name, files]);
  const { run, isBusy, error, clear } = useAction(async () => {
    if (!files.length) throw new ApiError("Choose a zip first.", 422, { errors: [{ location: "body.file", message: "" }] });
    const form = new FormData();
    form.set("name", name.trim());
    for (const file of files) form.append("file", file);
    const dataset = await tell("POST", "/v1/datasets", form);
    Object.assign(draft, { name: "", files: [] });
    onDone(dataset);
  });
  /** @param {FileList | null | undefined} given */
  const choose = (given) => {
    const chosen = [...(given ?? [])].slice(0, MAX_FILES);
    if (!chosen.length) return;
    setFiles(chosen);
    clear();
    setName((before) => before || suggest(chosen[0].name));
  };
  const isOfName = error?.errors[0]?.location === "body.name";
  return html`
    <form class="upload" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), run())} novalidate>
      <h2>Upload your own</h2>
      <label class="drop ${isOver ? "over" : ""}" onDragOver=${(/** @type {Event} */ event) => (event.preventDefault(), setOver(true))} onDragLeave=${() => setOver(false)}
        onDrop=${(/** @type {DragEvent} */ event) => (event.preventDefault(), setOver(false), choose(event.dataTransfer?.files))}>
        <input class="heard" type="file" multiple accept=".zip,.gz,application/zip" aria-label="Files" onChange=${(/** @type {{currentTarget: HTMLInputElement}} */ { currentTarget }) => (choose(currentTarget.files), (currentTarget.value = ""))} />
        ${files.length
          ? html`<strong>${files.map((file) => file.name).join(", ")}</strong><span>${size(files.reduce((sum, file) => sum + file.size, 0))}. Click to choose another.</span>`
          : html`<strong>Drop a zip here, or click to choose</strong><span>Folders 0 to 9 with pictures in them, or MNIST's IDX files</span>`}
      </label>
      ${error && !isOfName && (error.needsKey ? html`<${KeyForm} message=${error.message} scope="train" onKey=${run} />` : html`<${Refusal} error=${error} />`)}
      <div class="field">
        <label for="dataset-name">Name</label>
        <input id="dataset-name" value=${name} autocomplete="off" spellcheck=${false} aria-describedby="dataset-help" aria-invalid=${isOfName ? "true" : undefined}
          onInput=${(/** @type {{currentTarget: HTMLInputElement}} */ { currentTarget }) => setName(currentTarget.value)} />
        <p id="dataset-help">${isOfName ? html`<strong role="alert">${error.status === 422 ? FORM : error.message}</strong>` : FORM}</p>
      </div>
      <button class="main" disabled=${isBusy}>${isBusy ? "Reading the pictures" : "Upload"}</button>
      ${isBusy && html`<p class="quiet" role="status">${plural(files.length, "file")} on the way. The service looks at each picture, which takes a minute for ten thousand.</p>`}
    </form>
  `;
}

/** @param {string} file */
function suggest(file) {
  return file.replace(/\.(zip|gz|idx\d?)+$/i, "").toLowerCase().replace(/[^a-z0-9_-]+/g, "-").replace(/^[^a-z]+/, "").slice(0, 40);
}
