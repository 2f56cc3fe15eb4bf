/* What fits the reader's machine: the same formulas as the pages are built with, and the marks on the ruler. */
import { escape } from './text.js';

/* [label, GiB, KiB per token] → GiB: weights, cache at 16 bit, and 0.6 GiB to work in. */
export const need = ([, weights, cache], context) => weights * 1.03 + (cache * context) / 1048576 + 0.6;
export const state = (memory, gib) => (memory <= gib * 0.9 ? 'yes' : memory <= gib ? 'tight' : 'no');
/* Place on the axis from 0.5 GiB to 1 TiB, in thousandths. */
export const along = (gib) => Math.round(Math.min(1, Math.max(0, (Math.log2(gib) + 1) / 11)) * 1000);
export const written = (gib) => (gib >= 100 ? gib.toFixed(0) : gib.toFixed(1));

export const WORDS = { yes: 'Fits', tight: 'Tight', no: 'Too large' };

export function parse(data) {
  return data.split(';').map((build) => {
    const [label, weights, cache] = build.split('|');
    return [label, +weights, +cache];
  });
}

/* The largest build that fits with room, else the largest that fits at all, else the smallest. */
export function choose(builds, budget) {
  if (!builds || !builds.length) return null;
  const memory = builds.map((build) => need(build, budget.context));
  const states = memory.map((gib) => state(gib, budget.gib));
  let best = -1;
  for (const wanted of ['yes', 'tight']) {
    memory.forEach((gib, index) => {
      if (states[index] === wanted && (best < 0 || gib > memory[best])) best = index;
    });
    if (best >= 0) break;
  }
  if (best < 0) best = memory.indexOf(Math.min(...memory));
  return { memory, states, best, state: states[best], low: Math.min(...memory) };
}

/* The inside of a `.ruler`. */
export function ruler(builds, budget) {
  const found = choose(builds, budget);
  if (!found) return '<div class="in" aria-hidden="true"></div><span class="fit unknown"><span class="v">Size not recorded</span></span>';
  const { memory, states, best } = found;
  const ticks = (wanted) => [...new Set(memory.filter((_, index) => states[index] === wanted).map(along))].sort((a, b) => a - b).map((x) => `M${x} 0v11`).join('');
  const [low, high] = [along(Math.min(...memory)), along(Math.max(...memory))];
  const path = (name, d) => (d ? `<path class="${name}" d="${d}"/>` : '');
  const marks = path('bar', high > low ? `M${low} 5.5H${high}` : '') + path('n', ticks('no')) + path('t', ticks('tight'))
    + path('y', ticks('yes')) + path(`b ${found.state}`, `M${along(memory[best])} 5.5h.01`);
  const sentence = found.state === 'no'
    ? `<b>${WORDS.no}</b><span class="v">needs ${written(memory[best])} GiB</span>`
    : `<b>${WORDS[found.state]}</b><span class="v">${escape(builds[best][0])} · ${written(memory[best])} GiB</span>`;
  return `<div class="in" aria-hidden="true"><svg viewBox="0 0 1000 11" preserveAspectRatio="none">${marks}</svg></div><span class="fit ${found.state}">${sentence}</span>`;
}
