/** Why a picture is read so: which ink counts, and what each layer of the network computes. */
import { ApiError, explain } from "../api.js";
import { Notice } from "../notice.js";
import { html, useEffect, useRef, useState } from "../view.js";
import { withArticle } from "./words.js";

/**
 * @typedef {import("../api.js").Prediction} Prediction
 * @typedef {import("../api.js").Layer} Layer
 */

const SIDE = 28; // pixels of what the network sees
const PAPER = 0.42; // how bright the ink is that does not count
const FOR = [86, 180, 233]; // Okabe and Ito's sky blue and vermillion, on black in any theme
const AGAINST = [240, 110, 20];

/** @type {Record<string, {name: string, what: string}>} How much of the digit a value sees follows from the layers before it. */
const LAYERS = {
  conv1: { name: "Convolution 1", what: "Each picture belongs to one filter. It looks at 3 × 3 pixels at a time and is bright where they match its pattern." },
  conv2: { name: "Convolution 2", what: "These filters look at all the pictures above at once, and find patterns made of patterns." },
  conv3: { name: "Mixture 3", what: "The 32 pictures above are mixed into 8, pixel by pixel. Here grey is zero, and black is negative." },
  pool1: { name: "Pooling 1", what: "Of each 2 × 2 values the largest stays. The pictures are half as large, and a small shift of the pen matters less." },
  conv4: { name: "Convolution 4", what: "Filters again, on the smaller pictures. Each value now sees 10 × 10 pixels of the digit." },
  conv5: { name: "Convolution 5", what: "Each value sees 14 × 14 pixels, a quarter of the picture." },
  conv6: { name: "Mixture 6", what: "The 32 pictures are mixed into 16. Grey is zero again." },
  pool2: { name: "Pooling 2", what: "The largest of each 2 × 2 values stays once more." },
  conv7: { name: "Convolution 7", what: "Each value sees 24 × 24 pixels, nearly the whole digit." },
  average: { name: "Average", what: "One number is left of each picture: how much of its pattern there is. From these 32 numbers the last layer works out the ten probabilities." },
};

/**
 * @param {object} properties
 * @param {unknown} properties.page what the picture is made of: another one is explained anew
 * @param {() => Promise<Blob>} properties.picture
 * @param {boolean} properties.isRead whether there is an answer to explain
 * @param {boolean} properties.hasSeveral digits, each of which was read by itself, and none of them chosen
 */
export function Why({ page, picture, isRead, hasSeveral }) {
  const [isOpen, setOpen] = useState(false);
  const [prediction, setPrediction] = useState(/** @type {Prediction | null} */ (null));
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const [tries, setTries] = useState(0);
  const retry = () => setTries(tries + 1);

  useEffect(() => {
    setError(null);
    if (!isRead) setPrediction(null);
    if (!isOpen || !isRead || hasSeveral) return undefined;
    const control = new AbortController();
    picture()
      .then((blob) => explain(blob, control.signal))
      .then(setPrediction)
      .catch((problem) => !control.signal.aborted && problem instanceof ApiError && setError(problem));
    return () => control.abort();
  }, [page, isRead, hasSeveral, isOpen, tries]);

  return html`
    <section class="why" aria-label="Why">
      <div class="bar">
        <h2>Why?</h2>
        <button aria-expanded=${isOpen} aria-controls="why" onClick=${() => setOpen(!isOpen)}>
          ${isOpen ? "Hide" : "Show what the network looks at"}
        </button>
      </div>
      <div id="why" hidden=${!isOpen}>
        ${hasSeveral
          ? html`<p class="quiet">Each digit was read by itself. Choose one of them to see what the network looks at.</p>`
          : error && isRead
          ? html`<${Notice} title="This could not be explained" error=${error} onRetry=${retry} />`
          : prediction
            ? html`<${Explained} prediction=${prediction} />`
            : html`<p class="quiet">${isRead ? "The network is asked …" : "Draw a digit first."}</p>`}
      </div>
    </section>
  `;
}

/** @param {{prediction: Prediction}} properties */
function Explained({ prediction: { digit, reason, image, explanation } }) {
  if (!explanation || !image?.png) return null;
  if (reason === "blank") return html`<p class="quiet">No digit was found, so there is nothing to explain.</p>`;
  const named = withArticle(digit);
  return html`
    <div class="explained">
      <figure class="saliency">
        <${Saliency} png=${image.png} saliency=${explanation.saliency} label="The ink that counts for ${named}, and against it" />
        <figcaption>
          <strong>Which ink counts</strong>
          <p>
            A small patch covers the digit, at each place once. Where that makes the network less
            sure of ${named}, the ink is <b class="for">blue</b>; where surer, it is <b class="against">orange</b>.
          </p>
        </figcaption>
      </figure>
      <ol class="layers">
        ${explanation.activations.map((layer) => html`<${Sheet} key=${layer.name} layer=${layer} />`)}
      </ol>
    </div>
  `;
}

/** @param {{png: string, saliency: number[][], label: string}} properties */
function Saliency({ png, saliency, label }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  useEffect(() => {
    let isCurrent = true;
    const picture = new Image();
    picture.onload = () => isCurrent && canvas.current && tint(canvas.current, picture, saliency);
    picture.src = png;
    return () => {
      isCurrent = false;
    };
  }, [png, saliency]);
  return html`<canvas ref=${canvas} width=${SIDE} height=${SIDE} role="img" aria-label=${label}></canvas>`;
}

/**
 * Draw the picture in grey, and over it how much each pixel counts, by the largest magnitude.
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLImageElement} picture
 * @param {number[][]} saliency
 */
function tint(canvas, picture, saliency) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.drawImage(picture, 0, 0);
  const pixels = context.getImageData(0, 0, SIDE, SIDE);
  const values = saliency.flat();
  const largest = Math.max(...values.map(Math.abs)) || 1;
  values.forEach((value, place) => {
    const share = Math.abs(value) / largest;
    const color = value > 0 ? FOR : AGAINST;
    for (let part = 0; part < 3; part++) {
      const ink = PAPER * pixels.data[4 * place + part];
      pixels.data[4 * place + part] = (1 - share) * ink + share * color[part];
    }
  });
  context.putImageData(pixels, 0, 0);
}

/** @param {{layer: Layer}} properties */
function Sheet({ layer: { name, channels, height, width, low, sheet } }) {
  const { name: title, what } = LAYERS[name] ?? { name, what: "" };
  const size = height * width === 1 ? "1 number each" : `${width} × ${height} values each`;
  return html`
    <li>
      <h3>${title}<span>${channels} channels, ${size}</span></h3>
      <p>${what}</p>
      <div class="channels ${low < 0 ? "" : "unsigned"}" role="img" aria-label="The ${channels} channels of ${title}">
        ${Array.from({ length: channels }, (_, channel) => html`<span key=${channel} style=${cut(sheet, channel, channels)}></span>`)}
      </div>
    </li>
  `;
}

/**
 * @param {string} sheet
 * @param {number} channel
 * @param {number} channels
 * @returns {Record<string, string>} the part of the sheet, of eight columns, that shows the channel
 */
function cut(sheet, channel, channels) {
  const rows = channels / 8;
  const across = `${(100 / 7) * (channel % 8)}%`;
  const down = rows > 1 ? `${(100 / (rows - 1)) * Math.floor(channel / 8)}%` : "0";
  return { backgroundImage: `url("${sheet}")`, backgroundSize: `800% ${100 * rows}%`, backgroundPosition: `${across} ${down}` };
}
