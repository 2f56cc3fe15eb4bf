/* Lists: the reader's machine over every row. Where the page has filters, they, the search and the order go over the
   whole gallery: see finder.js. */
import { $, $$ } from './dom.js';
import { budget, control } from './budget.js';
import { parse, ruler } from './fit.js';

const gallery = JSON.parse($('#gallery').textContent);

/* Only the inside of each ruler changes, so that focus and selection stay where they are. */
function measure() {
  for (const element of $$('.ruler[data-v]')) element.innerHTML = ruler(parse(element.dataset.v), budget);
}

let moved = () => {};
control(() => { measure(); moved(); });
measure();

/* The arrow keys go from model to model, `/` to the search. */
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const q = $('#q'), at = document.activeElement;
  if (event.key === '/' && q && !/^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName)) {
    event.preventDefault();
    q.focus();
    q.select();
    return;
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const links = $$('.row h3 a'), place = links.indexOf(at);
  if (place < 0 && !(at === q && step > 0)) return;
  event.preventDefault();
  (place + step < 0 ? q : links[Math.min(links.length - 1, place + step)])?.focus();
});

if (gallery.search) moved = (await import('./finder.js')).find(gallery, measure);
