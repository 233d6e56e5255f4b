/** Style sheets that come with what needs them. */

/**
 * @param {string} href
 * @returns {Promise<HTMLLinkElement>} once it applies to the page; a sheet that is there already is not loaded again
 */
export async function loadStyle(href) {
  const there = /** @type {HTMLLinkElement | null} */ (document.querySelector(`link[href="${href}"]`));
  if (there) return there;
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  await new Promise((resolve, reject) => {
    link.addEventListener("load", resolve);
    link.addEventListener("error", () => {
      link.remove();
      reject(new Error(`no ${href}`));
    });
    document.head.append(link);
  });
  return link;
}
