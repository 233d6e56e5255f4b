/** The request as code, to copy. */
import { ADDRESS, getKey } from "../api.js";
import { Choice } from "../choice.js";
import { save } from "../files.js";
import { html, useState } from "../view.js";

/** @typedef {{path: string, file: string, type: string, address: string, hasKey: boolean}} Example */

/** @type {Record<string, (example: Example) => string>} */
const LANGUAGES = {
  curl: ({ path, file, type, address, hasKey }) =>
    [
      `curl '${address}${path}'`,
      ...(hasKey ? [`-H "Authorization: Bearer $NUMERAL_API_KEY"`] : []),
      `-H 'Content-Type: ${type}'`,
      `--data-binary @${quote(file)}`,
    ].join(" \\\n  "),
  Python: ({ path, file, type, address, hasKey }) => `${hasKey ? "import os\n" : ""}from pathlib import Path

import httpx

answer = httpx.post(
    "${address}${path}",
    content=Path(${JSON.stringify(file)}).read_bytes(),
    headers={${hasKey ? `\n        "Authorization": f"Bearer {os.environ['NUMERAL_API_KEY']}",\n        ` : ""}"Content-Type": "${type}"${hasKey ? ",\n    " : ""}},
)
print(answer.raise_for_status().json())`,
  JavaScript: ({ path, file, type, address, hasKey }) => `import { readFile } from "node:fs/promises";

const answer = await fetch("${address}${path}", {
  method: "POST",
  body: await readFile(${JSON.stringify(file)}),
  headers: {${hasKey ? `\n    "Authorization": \`Bearer \${process.env.NUMERAL_API_KEY}\`,\n    ` : " "}"Content-Type": "${type}"${hasKey ? ",\n  " : " "}},
});
console.log(await answer.json());`,
};

/**
 * @param {object} properties
 * @param {boolean} properties.hasSeveral digits, which another endpoint reads
 * @param {string} properties.file its name
 * @param {() => Promise<Blob>} properties.picture
 */
export function Code({ hasSeveral, file, picture }) {
  const [language, setLanguage] = useState("curl");
  const [wasCopied, setCopied] = useState(false);
  const path = hasSeveral ? "/v1/read" : "/v1/predict";
  const type = TYPES[file.split(".").at(-1)?.toLowerCase() ?? ""] ?? "application/octet-stream";
  const text = LANGUAGES[language]({ path, file, type, address: ADDRESS, hasKey: getKey() !== "" });
  const copy = async () => {
    setCopied(await toClipboard(text));
    setTimeout(() => setCopied(false), 2000);
  };
  return html`
    <section class="code" aria-label="The request as code">
      <div class="bar">
        <h2>The same request as code</h2>
        <${Choice} label="Language" options=${Object.keys(LANGUAGES).map((name) => [name, name])} value=${language} onChoose=${setLanguage} />
      </div>
      <pre tabindex="0"><code>${text}</code></pre>
      <div class="tools">
        <button onClick=${copy}>${wasCopied ? "Copied" : "Copy"}</button>
        <button onClick=${async () => save(await picture(), file)}>Save ${file}</button>
        <span role="status" class="heard">${wasCopied ? "Copied" : ""}</span>
      </div>
    </section>
  `;
}

/** @type {Record<string, string>} */
const TYPES = {
  png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", webp: "image/webp", bmp: "image/bmp", gif: "image/gif",
  tif: "image/tiff", tiff: "image/tiff", avif: "image/avif", heic: "image/heic", heif: "image/heif",
};

/**
 * @param {string} text
 * @returns {Promise<boolean>} whether it is there. Only encrypted connections, and this machine, have navigator.clipboard.
 */
async function toClipboard(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const code = document.querySelector(".code pre");
  if (code) getSelection()?.selectAllChildren(code);
  return document.execCommand("copy");
}

/**
 * @param {string} word
 * @returns {string} one word for a shell
 */
function quote(word) {
  return /^[\w.-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
