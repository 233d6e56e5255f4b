/** The slider over the epochs. Everything on the page follows it. */
import { html, useEffect, useRef, useState } from "../view.js";

const PLAY_MILLISECONDS = 8000; // for all epochs
const MIN_FRAME_MILLISECONDS = 60;

/**
 * @param {object} properties
 * @param {number[]} properties.epochs
 * @param {number} properties.index of the one that is shown
 * @param {(index: number) => void} properties.onIndex
 */
export function Timeline({ epochs, index, onIndex }) {
  const [isPlaying, setPlaying] = useState(false);
  const last = epochs.length - 1;
  const now = useRef(index);
  now.current = index;

  useEffect(() => {
    if (!isPlaying) return undefined;
    const pause = Math.max(MIN_FRAME_MILLISECONDS, PLAY_MILLISECONDS / epochs.length);
    const stride = Math.max(1, Math.round((epochs.length * pause) / PLAY_MILLISECONDS));
    const timer = setInterval(() => {
      const next = Math.min(now.current + stride, last);
      onIndex(next);
      if (next === last) setPlaying(false);
    }, pause);
    return () => clearInterval(timer);
  }, [isPlaying, epochs]);

  useEffect(() => {
    const move = (/** @type {KeyboardEvent} */ event) => {
      const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const isTyping = event.target instanceof Element && event.target.matches("input, textarea, select, [tabindex='0']:not(button)");
      if (!way || isTyping || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      now.current = Math.min(Math.max(now.current + way * (event.shiftKey ? 10 : 1), 0), last); // before the next frame, too
      onIndex(now.current);
    };
    addEventListener("keydown", move);
    return () => removeEventListener("keydown", move);
  });

  const play = () => {
    if (index === last) onIndex(0);
    setPlaying(!isPlaying);
  };
  return html`
    <section class="timeline" aria-label="Epochs">
      <button class="play" onClick=${play} aria-label=${isPlaying ? "Pause" : "Play the epochs"}>
        <svg viewBox="0 0 24 24" aria-hidden="true"><path d=${isPlaying ? "M8 5v14M16 5v14" : "M8 5l11 7-11 7z"} /></svg>
      </button>
      <input
        type="range"
        min="0"
        max=${last}
        value=${index}
        aria-label="Epoch"
        aria-valuetext="Epoch ${epochs[index]} of ${epochs[last]}"
        onInput=${(/** @type {{currentTarget: HTMLInputElement}} */ { currentTarget }) => onIndex(Number(currentTarget.value))}
      />
      <output>epoch <strong data-epoch>${epochs[index]}</strong> of ${epochs[last]}</output>
    </section>
  `;
}
