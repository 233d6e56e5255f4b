/** Numbers and times as people read them. */

/**
 * @param {number | null | undefined} share
 * @param {number} [decimals]
 */
export function percent(share, decimals = 2) {
  return share == null ? "–" : `${(100 * share).toFixed(decimals)} %`;
}

/** @param {{accuracy: number, interval_95: [number, number]}} figures */
export function interval({ interval_95: [low, high] }) {
  return `${(100 * low).toFixed(2)} to ${(100 * high).toFixed(2)} %`;
}

/** @param {number | null | undefined} seconds */
export function duration(seconds) {
  if (seconds == null) return "–";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${(seconds / 3600).toFixed(1)} h` : `${Math.round(seconds / 86_400)} days`;
}

/** @param {string} time RFC 3339 */
export function ago(time) {
  const seconds = (Date.now() - Date.parse(time)) / 1000;
  return seconds < 10 ? "just now" : `${duration(Math.round(seconds))} ago`;
}

/**
 * @param {string} time RFC 3339
 * @param {"short" | "medium"} [timeStyle] medium: with seconds
 */
export function moment(time, timeStyle = "short") {
  return new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle });
}

/** @param {number} bytes */
export function size(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(0)} GB`;
}

/** @param {number} value of a loss or a rate: three digits that count */
export function short(value) {
  return value === 0 ? "0" : Number(value.toPrecision(3)).toString();
}

/**
 * @param {number} count
 * @param {string} noun
 */
export function plural(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** @param {string} name such as `learning_rate` */
export function words(name) {
  const text = name.replaceAll("_", " ").replace("dataset", "data set");
  return text[0].toUpperCase() + text.slice(1);
}

/** @param {string} text of a refusal */
export function sentence(text) {
  const said = plain(text);
  return said[0].toUpperCase() + said.slice(1) + (/[.!?]$/.test(said) ? "" : ".");
}

/** @param {string} text with names as they are written in JSON */
export function plain(text) {
  const names = /[a-z]+(_[a-z]+)+/g;
  return text.replaceAll("`", "").replaceAll(/\bnull\b/g, "none").replaceAll(names, (name) => name.replaceAll("_", " "));
}
