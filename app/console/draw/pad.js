/** The sheet to draw on, or the picture that was chosen instead. */
import { SENT_SIDE, extend, paint } from "./strokes.js";
import { html, useEffect, useRef, useState } from "../view.js";

/**
 * @typedef {import("./strokes.js").Stroke} Stroke
 * @typedef {import("../api.js").ReadDigit} ReadDigit
 */

/**
 * @param {object} properties
 * @param {Stroke[]} properties.strokes
 * @param {(stroke: Stroke, isDone: boolean) => void} properties.onStroke while the pen moves, and when it is lifted
 * @param {ReadDigit[]} properties.digits to be boxed
 * @param {ReadDigit | null} [properties.chosen] one of them
 */
export function Pad({ strokes, onStroke, digits, chosen = null }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const stroke = useRef(/** @type {Stroke | null} */ (null));

  const draw = () => canvas.current && redraw(canvas.current, stroke.current ? [...strokes, stroke.current] : strokes);
  useEffect(() => {
    draw();
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const sizes = new ResizeObserver(draw);
    if (canvas.current) sizes.observe(canvas.current);
    dark.addEventListener("change", draw);
    return () => {
      sizes.disconnect();
      dark.removeEventListener("change", draw);
    };
  }, [strokes]);

  /** @param {PointerEvent & {currentTarget: HTMLCanvasElement}} event */
  const begin = (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    stroke.current = [];
    move(event);
  };
  /** @param {PointerEvent & {currentTarget: HTMLCanvasElement}} event */
  const move = (event) => {
    if (!event.isPrimary || !stroke.current) return;
    const { left, top, width, height } = event.currentTarget.getBoundingClientRect();
    const moves = event.type === "pointermove" ? event.getCoalescedEvents() : [];
    for (const { clientX, clientY } of moves.length ? moves : [event]) {
      extend(stroke.current, [(clientX - left) / width, (clientY - top) / height]);
    }
    draw();
    onStroke(stroke.current, false);
  };
  /** @param {PointerEvent & {currentTarget: HTMLCanvasElement}} event */
  const end = (event) => {
    if (!event.isPrimary || !stroke.current) return;
    const finished = stroke.current;
    stroke.current = null;
    onStroke(finished, true);
  };

  return html`
    <div class="sheet">
      <canvas
        ref=${canvas}
        role="img"
        aria-label="Sheet to draw a digit on, with finger, pen or mouse"
        onPointerDown=${begin}
        onPointerMove=${move}
        onPointerUp=${end}
        onPointerCancel=${end}
      ></canvas>
      <${Boxes} digits=${digits} chosen=${chosen} width=${SENT_SIDE} height=${SENT_SIDE} />
    </div>
  `;
}

/**
 * A picture in place of the sheet.
 * @param {object} properties
 * @param {string} properties.url
 * @param {string} properties.name
 * @param {ReadDigit[]} properties.digits to be boxed
 * @param {ReadDigit | null} properties.chosen one of them
 * @param {(digit: ReadDigit) => void} properties.onChoose
 */
export function Photo({ url, name, digits, chosen, onChoose }) {
  const [size, setSize] = useState(/** @type {[number, number] | null} */ (null));
  const [isUnknown, setUnknown] = useState(false);
  /** @param {Event & {currentTarget: HTMLImageElement}} event */
  const measure = ({ currentTarget: { naturalWidth, naturalHeight } }) => setSize([naturalWidth, naturalHeight]);
  return html`
    <figure class="sheet photo">
      ${isUnknown
        ? html`<p class="unshown">This browser cannot show ${name}.</p>`
        : html`<img src=${url} alt=${name} onLoad=${measure} onError=${() => setUnknown(true)} />`}
      ${size && html`<${Boxes} digits=${digits} chosen=${chosen} onChoose=${onChoose} width=${size[0]} height=${size[1]} />`}
    </figure>
  `;
}

/**
 * The boxes of digits over the picture in which they were read. Keyboards choose a digit by the buttons beside it.
 * @param {object} properties
 * @param {ReadDigit[]} properties.digits
 * @param {ReadDigit | null} properties.chosen
 * @param {(digit: ReadDigit) => void} [properties.onChoose] not on a sheet, where a pen may cross the boxes
 * @param {number} properties.width
 * @param {number} properties.height
 */
function Boxes({ digits, chosen, onChoose, width, height }) {
  const unit = Math.max(width, height) / 100;
  return html`
    <svg class="boxes" viewBox="0 0 ${width} ${height}" aria-hidden="true">
      ${digits.map((read) => {
        const { digit, accepted, box: [left, top, right, bottom] } = read;
        const isHigh = top < 8 * unit; // then the digit stands below its box
        return html`
          <g class="${accepted ? "" : "doubtful"} ${read === chosen ? "chosen" : ""}" onClick=${onChoose && (() => onChoose(read))}>
            <rect x=${left - unit} y=${top - unit} width=${right - left + 2 * unit} height=${bottom - top + 2 * unit} rx=${unit} />
            <text x=${left - unit} y=${isHigh ? bottom + 7 * unit : top - 2.4 * unit} font-size=${5.5 * unit}>
              ${digit}${accepted ? "" : "?"}
            </text>
          </g>
        `;
      })}
    </svg>
  `;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Stroke[]} strokes
 */
function redraw(canvas, strokes) {
  const side = Math.round(canvas.clientWidth * devicePixelRatio);
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.clearRect(0, 0, side, side);
  paint(context, strokes, side, getComputedStyle(canvas).color);
}
