/** One of several digits, cut out of the picture and read by itself: of each, a reading says only what it is. */
import { ApiError, predict } from "../api.js";
import { Notice } from "../notice.js";
import { useLoaded } from "../parts/loading.js";
import { html } from "../view.js";
import { Details } from "./answer.js";
import { toPng } from "./strokes.js";
import { withArticle } from "./words.js";

/** @typedef {import("../api.js").ReadDigit} ReadDigit */

const MARGIN = 1 / 6; // around the digit, of its longer side

/** @param {{digit: ReadDigit, picture: () => Promise<Blob>}} properties `picture` shows the digit alone */
export function Alone({ digit, picture }) {
  const { data, error, reload } = useLoaded(async (signal) => predict(await picture(), signal), digit.box.join());
  return html`
    <section class="alone" aria-label="The chosen digit">
      <p class="quiet">
        ${data && data.digit !== digit.digit
          ? `Cut out and read alone, it is taken for ${withArticle(data.digit)}: what stands beside it made a difference.`
          : "Cut out and read alone:"}
      </p>
      ${error ? html`<${Notice} title="This digit could not be read alone" error=${error} onRetry=${reload} />` : html`<${Details} prediction=${data} />`}
    </section>
  `;
}

/**
 * @param {Blob} picture
 * @param {ReadDigit} digit
 * @param {boolean} isDrawn on white, so that nothing of its neighbours needs to come along
 * @returns {Promise<Blob>} the digit with some paper around it
 */
export async function cutOut(picture, { box: [left, top, right, bottom] }, isDrawn) {
  const whole = await createImageBitmap(picture).catch(() => {
    throw new ApiError("This browser cannot open the picture, so that no digit can be cut out of it.", 400);
  });
  const margin = Math.ceil(MARGIN * Math.max(right - left, bottom - top));
  const reach = isDrawn ? 1 : margin; // of the picture around the box; a photo's paper has no colour to go on with
  const x = Math.max(0, left - reach);
  const y = Math.max(0, top - reach);
  const width = Math.min(whole.width, right + reach) - x;
  const height = Math.min(whole.height, bottom + reach) - y;
  const border = isDrawn ? margin : 0;
  const canvas = Object.assign(document.createElement("canvas"), { width: width + 2 * border, height: height + 2 * border });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(whole, x, y, width, height, border, border, width, height);
  whole.close();
  return toPng(canvas);
}
