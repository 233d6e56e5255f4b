/** The page at /docs: Swagger UI over the service's own OpenAPI document. */
import { getKey } from "./api.js";
import { showNavigation } from "./navigation.js";
import { showState } from "./state.js";

const { SwaggerUIBundle } = /** @type {any} */ (window);

const dark = matchMedia("(prefers-color-scheme: dark)");
const darken = () => document.documentElement.classList.toggle("dark-mode", dark.matches); // Swagger UI's own class
dark.addEventListener("change", darken);
darken();

const reference = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: "none", // it would be a public server
  onComplete: () => {
    if (getKey()) reference.preauthorizeApiKey("bearer", getKey());
  },
});
showNavigation("docs");
showState();
