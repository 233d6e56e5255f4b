/** The page at /docs: Swagger UI over the service's own OpenAPI document. */
import { get, getKey } from "./api.js";
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

/** The kind of job that a path is for, by what follows the id. Other paths take each kind. */
const KIND_OF_PATH = /** @type {const} */ ([
  [/^\/v1\/jobs\/{job_id}\/curves/, "backprop_sweep"],
  [/^\/v1\/jobs\/{job_id}\/hardest/, "mnist_training"],
  [/^\/v1\/jobs\/{job_id}\/(trials|parallel|importance|extend)/, "training_search"],
]);

/**
 * What this service has that a parameter can name: "Execute" then answers with it.
 * @returns {Promise<{newest: Record<string, string>, trainings: string[], dataset?: string}>} ids of jobs by kind
 */
async function findExamples() {
  const list = (/** @type {string} */ path) => get(path).then((page) => page.items, () => []); // perhaps without a key
  const kinds = ["training_search", "mnist_training", "backprop_sweep"];
  const [jobs, datasets] = await Promise.all([
    Promise.all(kinds.map((kind) => list(`/v1/jobs?kind=${kind}&status=succeeded&limit=20`))),
    list("/v1/datasets"),
  ]);
  const ids = jobs.map((some) => some.flatMap((/** @type {{id: string, search: object?}} */ job) => (job.search ? [] : [job.id])));
  return {
    newest: Object.fromEntries(kinds.map((kind, row) => [kind, ids[row][0]])),
    trainings: ids[1].slice(0, 2),
    dataset: datasets.find((/** @type {{built_in: boolean}} */ one) => !one.built_in)?.name,
  };
}

/**
 * Put them into the document as the examples of parameters, but not where "Execute" would delete something.
 * @param {any} document OpenAPI; it is changed
 * @param {Awaited<ReturnType<typeof findExamples>>} found
 */
function fillIn(document, { newest, trainings, dataset }) {
  for (const [path, operations] of Object.entries(document.paths))
    for (const [method, { parameters = [] }] of Object.entries(/** @type {Record<string, any>} */ (operations))) {
      if (method === "delete") continue;
      const kind = KIND_OF_PATH.find(([form]) => form.test(path))?.[1];
      const examples = {
        job_id: kind ? newest[kind] : Object.values(newest).filter(Boolean).sort().at(-1), // ids sort by time
        ids: trainings.join() || undefined,
        name: path.startsWith("/v1/datasets/") ? dataset : undefined,
      };
      for (const parameter of parameters) {
        const example = examples[/** @type {keyof typeof examples} */ (parameter.name)];
        if (example) parameter.example = example;
      }
    }
}

const withExamples = () => ({
  statePlugins: {
    spec: {
      wrapActions: {
        updateJsonSpec: (/** @type {(document: any) => void} */ update) => async (/** @type {any} */ document) => {
          if (document.paths) fillIn(document, await findExamples());
          update(document);
        },
      },
    },
  },
});

const reference = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  plugins: [mend, withExamples],
  syntaxHighlight: { theme: "tomorrow-night" }, // the usual one's numbers have a contrast of 3.5
  defaultModelsExpandDepth: 0,
  validatorUrl: "none", // it would be a public server
  onComplete: () => {
    if (getKey()) reference.preauthorizeApiKey("bearer", getKey());
  },
});
showNavigation("docs");
showState();
