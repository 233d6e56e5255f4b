/** What the service says about a picture, in sentences. */

/**
 * @param {import("../api.js").Prediction} prediction
 * @returns {string} whether it can be trusted, and why not
 */
export function describe({ digit, confidence, probabilities, reason }) {
  const [, second] = probabilities.map((share, other) => ({ share, other })).sort((a, b) => b.share - a.share);
  switch (reason) {
    case null:
      return `It is ${withArticle(digit)}, ${percent(confidence)} certain.`;
    case "ambiguous":
      return `It may be ${withArticle(digit)} or ${withArticle(second.other)}. Draw what tells them apart more clearly.`;
    case "not_a_digit":
      return `This does not look like one digit. The nearest is ${withArticle(digit)}.`;
    case "too_small":
      return "There is only a dot. Draw the digit larger, with the strokes of a pen.";
    case "blank":
      return "No digit was found. It needs strokes that are clearly darker or lighter than the paper.";
  }
}

/** @param {import("../api.js").Reading} reading */
export function describeReading({ digits, text }) {
  const doubtful = digits.filter((digit) => !digit.accepted).length;
  const lines = text.split("\n").length;
  const count = `${digits.length} digits${lines > 1 ? ` in ${lines} lines` : ""}`;
  return doubtful ? `${count}; ${doubtful} of them could not be read with certainty.` : `${count}, each read with certainty.`;
}

/** @param {number} digit */
export function withArticle(digit) {
  return digit === 8 ? "an 8" : `a ${digit}`;
}

/**
 * @param {number} share
 * @returns {string} never 100 %, as nothing is certain
 */
export function percent(share) {
  return `${(100 * Math.min(share, 0.9999)).toFixed(share > 0.999 ? 2 : 1)} %`;
}
