/** Numbers as people read them. */

/**
 * @param {number | null} value
 * @returns {string} four digits, for labels
 */
export function short(value) {
  return digits(value, 4);
}

/**
 * @param {number | null} value
 * @param {number} count of significant digits
 */
export function digits(value, count) {
  if (value === null || !Number.isFinite(value)) return "overflow";
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-4 || size >= 1e6) ? value.toExponential(count - 1) : value.toPrecision(count);
  const [mantissa, exponent] = text.split("e");
  const plain = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  return (exponent === undefined ? plain : `${plain}e${exponent.replace("+", "")}`).replace("-", "−").replace("e-", "e−");
}

/**
 * @param {number} value
 * @param {number} [count] of significant digits
 * @returns {string} LaTeX
 */
export function toLatex(value, count = 6) {
  const [mantissa, exponent] = digits(value, count).replaceAll("−", "-").split("e");
  return exponent === undefined ? mantissa : String.raw`${mantissa} \cdot 10^{${exponent}}`;
}

/**
 * @param {number} value
 * @returns {string} LaTeX, with brackets where a product or a difference needs them
 */
export function asFactor(value) {
  const text = toLatex(value);
  return text.startsWith("-") || text.includes("cdot") ? String.raw`\left(${text}\right)` : text;
}
