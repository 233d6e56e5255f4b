/** Files that the page shows or saves, by URLs of its own. */
import { useEffect, useMemo } from "./view.js";

/**
 * @param {Blob | null} file
 * @returns {string} a URL of the file, released when another one takes its place
 */
export function useObjectUrl(file) {
  const url = useMemo(() => (file ? URL.createObjectURL(file) : ""), [file]);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  return url;
}

/**
 * @param {Blob} content
 * @param {string} name
 */
export function save(content, name) {
  const url = URL.createObjectURL(content);
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000); // once the browser has begun
}
