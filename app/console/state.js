/** The line at the top right: which version serves, or that none does. */
import { ApiError, getChampion } from "./api.js";

addEventListener("keychange", showState);

export async function showState() {
  const line = document.getElementById("state");
  if (!line) return;
  try {
    const { version, accuracy } = await getChampion();
    const more = Object.assign(document.createElement("span"), { className: "more" }); // hidden on small screens
    more.textContent = `, reads ${(100 * accuracy).toFixed(2)} % of its test set`;
    line.replaceChildren(`Version ${version}`, more);
    line.className = "state well";
  } catch (error) {
    const needsKey = error instanceof ApiError && error.needsKey;
    line.textContent = needsKey ? "Needs an API key" : "Not ready";
    line.className = needsKey ? "state" : "state ill";
  }
}
