/* The reader's machine: GPU memory and length of context, kept between visits. */
import { $, root, store } from './dom.js';
import { along } from './fit.js';

const STOPS = [1, 2, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 141, 160, 192, 256, 320, 384, 512, 640, 768, 1024];
const CONTEXTS = [4096, 8192, 16384, 32768, 65536, 131072];

const number = (key, fallback, most) => {
  const kept = Number(store.get(key));
  return kept > 0 && kept <= most ? kept : fallback;
};
export const budget = { gib: number('gib', 24, 1024), context: number('ctx', 8192, 131072) };

const near = (gib) => STOPS.reduce((a, b) => (Math.abs(Math.log2(b / gib)) < Math.abs(Math.log2(a / gib)) ? b : a));

export function setMemory(gib) {
  budget.gib = gib;
  store.set('gib', gib);
}

/* Wire the ruler's control; `changed` is called after every change. */
export function control(changed) {
  const range = $('#gib'), context = $('#ctx'), flag = $('.flag');
  const draw = () => {
    root.style.setProperty('--needle', `${along(budget.gib) / 10}%`);
    if (flag) {
      flag.textContent = `${budget.gib} GiB`;
      flag.classList.toggle('left', budget.gib > 96);
    }
    if (range) range.setAttribute('aria-valuetext', `${budget.gib} GiB`);
  };
  const set = (gib) => { setMemory(gib); draw(); changed(); };
  if (range) {
    range.value = along(budget.gib);
    range.oninput = () => set(near(2 ** ((range.value / 1000) * 11 - 1)));
    range.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const at = STOPS.indexOf(near(budget.gib));
      set(STOPS[Math.min(STOPS.length - 1, Math.max(0, at + step))]);
      range.value = along(budget.gib);
    };
  }
  if (context) {
    if (!CONTEXTS.includes(budget.context)) budget.context = 8192;
    context.value = budget.context;
    context.onchange = () => { budget.context = +context.value; store.set('ctx', budget.context); changed(); };
  }
  draw();
}
