/** The page at /docs: Swagger UI over the service's own OpenAPI document. */
import { getKey } from "./api.js";
import { showNavigation } from "./navigation.js";
import { showState } from "./state.js";

const { SwaggerUIBundle } = /** @type {any} */ (window);

const dark = matchMedia("(prefers-color-scheme: dark)");
const darken = () => document.documentElement.classList.toggle("dark-mode", dark.matches); // Swagger UI's own class
dark.addEventListener("change", darken);
darken();

/**
 * What of Swagger UI's own page a screen reader or a keyboard would trip over. Its headings go from h1 to h3 still: it has
 * no setting for them.
 * @param {{React: any}} system
 */
const mend = ({ React }) => ({
  components: {
    DeepLink: (/** @type {{text: string}} */ { text }) => React.createElement("span", null, text), // a link within a button
  },
  wrapComponents: {
    BaseLayout: (/** @type {any} */ Layout) => (/** @type {object} */ properties) => {
      React.useEffect(() => {
        const inner = document.getElementById("operations"); // a second <main>
        inner?.removeAttribute("tabindex");
        inner?.setAttribute("role", "presentation");
      });
      return React.createElement(Layout, properties);
    },
    HighlightCode: (/** @type {any} */ Code) => (/** @type {object} */ properties) => {
      const place = React.useRef(null);
      React.useEffect(() => {
        for (const code of place.current.querySelectorAll("pre")) code.tabIndex = 0; // it scrolls: with the keyboard, too
      });
      return React.createElement("div", { ref: place }, React.createElement(Code, properties));
    },
  },
});

const reference = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  plugins: [mend],
  syntaxHighlight: { theme: "tomorrow-night" }, // the usual one's numbers have a contrast of 3.5
  defaultModelsExpandDepth: 0,
  validatorUrl: "none", // it would be a public server
  onComplete: () => {
    if (getKey()) reference.preauthorizeApiKey("bearer", getKey());
  },
});
showNavigation("docs");
showState();
