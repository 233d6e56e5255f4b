/** Session storage, which is gone when the tab is closed. Where the browser blocks it, or it is full: this page's memory. */

/** @type {Map<string, string>} */
const kept = new Map();

/**
 * @param {string} name
 * @returns {string | null} what was kept last
 */
export function recall(name) {
  try {
    return kept.get(name) ?? sessionStorage.getItem(name);
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @param {string} value
 */
export function keep(name, value) {
  kept.set(name, value);
  try {
    sessionStorage.setItem(name, value);
    kept.delete(name);
  } catch {
    // it stays in memory
  }
}

/** @param {string} name */
export function forget(name) {
  kept.delete(name);
  try {
    sessionStorage.removeItem(name);
  } catch {
    // nothing was stored there
  }
}
