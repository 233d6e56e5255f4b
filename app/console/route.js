/** The address of a view: `#/NAME/PATH?QUERY`. */

/** @typedef {{name: string, path: string[], query: URLSearchParams}} Route */

/** @returns {Route} what the hash of this page's address names; `name` is empty if it names nothing */
export function readRoute() {
  const [place, query = ""] = location.hash.replace(/^#\//, "").split("?");
  const [name, ...path] = location.hash.startsWith("#/") ? place.split("/") : [""];
  return { name, path, query: new URLSearchParams(query) };
}

/**
 * Keep a view's state in the address, so that it can be shared. The view is not shown anew.
 * @param {string} name
 * @param {URLSearchParams} query
 * @param {string[]} [path]
 */
export function keepRoute(name, query, path = []) {
  const text = query.toString().replaceAll("%2C", ",");
  history.replaceState(null, "", `#/${[name, ...path].join("/")}${text && `?${text}`}`);
}
