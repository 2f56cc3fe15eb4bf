/* A punched card drawn from the id alone, as the pages are built with. */
const HOLES = Array.from({ length: 6 }, (_, row) => Array.from({ length: 7 }, (_, column) => `M${+(6.6 + 5.3 * column).toFixed(1)} ${+(6 + 6.3 * row).toFixed(1)}h3v4.4h-3z`));

function fnv1a(text) {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

/* The path of the holes of an id whose type is at a position, from 0, in the order of the site. */
export function holes(id, position) {
  const low = fnv1a([...id].reverse().join('')), high = fnv1a(id);
  let path = HOLES[0][1 + (position % 6)];
  for (let bit = 0; bit < 35; bit += 1) {
    const on = bit < 32 ? (low >>> bit) & 1 : (high >>> (bit - 32)) & 1;
    if (on) path += HOLES[1 + Math.floor(bit / 7)][bit % 7];
  }
  return path;
}

/* Which of the eight inks a publisher has. */
export const ink = (publisher) => (fnv1a(publisher) >>> 15) % 8;
