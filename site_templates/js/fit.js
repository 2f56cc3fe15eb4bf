/* What fits the reader's machine: the same formulas as the pages are built with, and the marks on the ruler. */
import { escape, fixed } from './text.js';

/* [label, GiB, KiB per token] → GiB: weights, cache at 16 bit, and 0.6 GiB to work in. */
export const need = ([, weights, cache], context) => weights * 1.03 + (cache * context) / 1048576 + 0.6;
export const state = (memory, gib) => (memory <= gib * 0.9 ? 'yes' : memory <= gib ? 'tight' : 'no');
/* Place on the axis from 0.5 GiB to 1 TiB, in thousandths. */
export const along = (gib) => +fixed(Math.min(1, Math.max(0, (Math.log2(gib) + 1) / 11)) * 1000, 0);
export const written = (gib) => fixed(gib, gib >= 100 ? 0 : 1);

export const WORDS = { yes: 'Fits', tight: 'Tight', no: 'Too large' };

/* `label|GiB|KiB per token` joined by `;`, as `data-v` of a ruler holds the builds. */
export function parse(data) {
  return data.split(';').map((build) => {
    const [label, weights, cache] = build.split('|');
    return [label, +weights, +cache];
  });
}
export const joined = (builds) => builds.map(([label, ...figures]) => [label, ...figures.map((figure) => +figure.toPrecision(6))].join('|')).join(';');

/* The largest build that fits with room, else the largest that fits at all, else the smallest. */
export function choose(builds, budget) {
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
  return { memory, states, best };
}

/* The inside of a `.ruler`. */
export function ruler(builds, budget) {
  if (!builds?.length) return '<div class="in" aria-hidden="true"></div><span class="fit unknown"><span class="v">Size not recorded</span></span>';
  const { memory, states, best } = choose(builds, budget), fits = states[best];
  const ticks = (wanted) => [...new Set(memory.filter((_, index) => states[index] === wanted).map(along))].sort((a, b) => a - b).map((x) => `M${x} 0v11`).join('');
  const [low, high] = [along(Math.min(...memory)), along(Math.max(...memory))];
  const path = (name, d) => (d ? `<path class="${name}" d="${d}"/>` : '');
  const marks = path('bar', high > low ? `M${low} 5.5H${high}` : '') + path('n', ticks('no')) + path('t', ticks('tight'))
    + path('y', ticks('yes')) + path(`b ${fits}`, `M${along(memory[best])} 5.5h.01`);
  const sentence = fits === 'no' ? `needs ${written(memory[best])} GiB` : `${escape(builds[best][0])} · ${written(memory[best])} GiB`;
  return `<div class="in" aria-hidden="true"><svg viewBox="0 0 1000 11" preserveAspectRatio="none">${marks}</svg></div>`
    + `<span class="fit ${fits}"><b>${WORDS[fits]}</b><span class="v">${sentence}</span></span>`;
}
