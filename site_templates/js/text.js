/* Text and figures into markup. Also used by the worker, which has no document. */
const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
export const escape = (text) => String(text).replace(/[&<>"']/g, (sign) => ENTITIES[sign]);

/* Like `toFixed` for 0 or 1 digits, but a half goes to the even neighbour, as in the pages that were built. */
export function fixed(value, digits) {
  if (Math.abs(value * 2 ** (digits + 1)) % 2 !== 1) return value.toFixed(digits);
  const scale = 10 ** digits, below = Math.floor(value * scale);
  return ((below % 2 ? below + 1 : below) / scale).toFixed(digits);
}
