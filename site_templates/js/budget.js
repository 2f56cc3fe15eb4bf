/* The reader's machine: GPU memory and length of context, kept between visits. */
import { $, root, store } from './dom.js';
import { along } from './fit.js';

// What graphics cards and machines really have, so that a drag lands on one of them.
const STOPS = [1, 2, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 141, 160, 192, 256, 320, 384, 512, 640, 768, 1024];
const CONTEXTS = [4096, 8192, 16384, 32768, 65536, 131072];

const near = (gib) => STOPS.reduce((a, b) => (Math.abs(Math.log2(b / gib)) < Math.abs(Math.log2(a / gib)) ? b : a));
const kept = { gib: Number(store.get('gib')), context: Number(store.get('ctx')) };

export const budget = {
  gib: kept.gib > 0 ? near(kept.gib) : 24,
  context: CONTEXTS.includes(kept.context) ? kept.context : 8192,
};

export function setMemory(gib) {
  budget.gib = gib;
  store.set('gib', gib);
}

/* Wire the ruler's control; `changed` is called after every change. */
export function control(changed) {
  const range = $('#gib'), context = $('#ctx'), flag = $('.flag');
  const draw = () => {
    root.style.setProperty('--needle', `${along(budget.gib) / 10}%`);
    flag.textContent = `${budget.gib} GiB`;
    flag.classList.toggle('left', budget.gib > 96);
    range.value = along(budget.gib);
    range.setAttribute('aria-valuetext', `${budget.gib} GiB`);
  };
  const set = (gib) => {
    const same = gib === budget.gib;
    if (!same) setMemory(gib);
    draw();
    if (!same) changed();
  };
  range.oninput = () => set(near(2 ** ((range.value / 1000) * 11 - 1)));
  range.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    set(STOPS[Math.min(STOPS.length - 1, Math.max(0, STOPS.indexOf(budget.gib) + step))]);
  };
  context.value = budget.context;
  context.onchange = () => { budget.context = +context.value; store.set('ctx', budget.context); changed(); };
  draw();
}
