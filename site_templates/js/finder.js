/* Search, filters, order and pages of a list, over every model in its scope, all of it in the address. */
import { $, $$, say } from './dom.js';
import { asked, boxes, chosen, clear, drop, groups, page, q, query, restore, setPage, sort } from './address.js';
import { ask, forget, warm } from './ask.js';
import { budget } from './budget.js';
import { steps } from './pager.js';
import { row } from './rows.js';
import { escape } from './text.js';

const list = $('.rows'), status = $('#status'), none = $('#none'), pager = $('.pager'), active = $('.active');
const toggle = $('.facets-toggle'), tabs = $$('.tabs a[data-type]').map((tab) => [tab, tab.getAttribute('href')]);
const counts = boxes.map((box) => $('.count', box.parentElement));
// As many rows on a page as were built, so that nothing jumps.
const SIZE = list.children.length > 24 ? 48 : 24;
const WRITE_AFTER = 250, TELL_AFTER = 400;
const built = { rows: [...list.children], status: status.innerHTML, pager: pager.innerHTML, none: none.hidden, counts: counts.map((count) => count.textContent) };
const estimates = $('.what', pager)?.outerHTML || '';
let gallery, source, measure, telling, writing, seen, focus = false;

function show(text) {
  clearTimeout(telling);
  list.removeAttribute('aria-busy');
  status.innerHTML = text;
  say(status.textContent);
}

function rest(text = built.status) {
  forget();
  focus = false;
  list.replaceChildren(...built.rows);
  pager.innerHTML = built.pager;
  none.hidden = built.none;
  counts.forEach((count, place) => { count.textContent = built.counts[place]; });
  show(text);
  measure();
}

function draw({ total, all, rows, counts: found }) {
  const last = Math.max(1, Math.ceil(total / SIZE)), first = (page - 1) * SIZE;
  if (page > last) {
    setPage(last);
    write();
    update();
    return;
  }
  list.innerHTML = rows.map((record, place) => row(record, place, gallery, budget)).join('');
  const part = `<b>${first + 1}–${first + rows.length}</b> of ${total}`;
  show(total <= SIZE ? `<b>${total}</b> of ${all} models` : part + (total < all ? ` matching, ${all} in all` : ' models'));
  none.hidden = total > 0;
  boxes.forEach((box, place) => { counts[place].textContent = found[box.name]?.[box.value] || 0; });
  pager.innerHTML = steps(page, last, query) + estimates;
  if (focus) $('.row h3 a')?.focus({ preventScroll: true });
  focus = false;
}

/* Ask for what the controls say, or go back to the list that was built. */
function update() {
  const filters = chosen();
  active.innerHTML = filters.map(({ label }, place) => `<button class="chip on" type="button" data-off="${place}">${escape(label)} <span aria-hidden="true">×</span><span class="vh"> remove filter</span></button>`).join('')
    + (filters.length ? '<button class="chip" type="button" data-off="all">Clear all</button>' : '');
  sort.options[0].textContent = q.value.trim() ? 'Best match' : 'Newest';
  for (const [tab, href] of tabs) tab.setAttribute('href', href + query(1));
  if (!asked()) { rest(); return; }
  list.setAttribute('aria-busy', 'true');
  clearTimeout(telling);
  telling = setTimeout(() => { status.textContent = 'Loading the search data'; }, TELL_AFTER);
  const question = { text: q.value, groups: groups(), sort: sort.value, budget: { ...budget }, start: (page - 1) * SIZE, size: SIZE };
  ask({ ...question, gallery: source }, draw, (why) => rest(`${why}. The list shows the newest models.`));
}

/* `push` makes a step of the browser's history. */
function write(push = false) {
  clearTimeout(writing);
  writing = null;
  const text = query();
  if (text !== location.search) history[push ? 'pushState' : 'replaceState'](null, '', text || location.pathname);
  seen = location.search;
}

function choose(push = true) {
  setPage(1);
  write(push);
  update();
}

/* Browsers refuse to change the address many times a second. */
function type() {
  setPage(1);
  clearTimeout(writing);
  writing = setTimeout(write, WRITE_AFTER);
  update();
}

/* Somewhere to go on from where what had the focus is gone; not a field where that opens a keyboard on the screen. */
const home = () => (toggle?.offsetParent ? toggle : q).focus();

function off(chip) {
  const place = chip.dataset.off === 'all' ? -1 : +chip.dataset.off;
  if (place < 0) clear();
  else drop(chosen()[place]);
  choose();
  const left = $$('[data-off]', active);
  if (left.length) left[Math.min(place, left.length - 2)].focus();
  else home();
}

function turn(at) {
  setPage(at);
  write(true);
  focus = true;
  update();
  $('#models').scrollIntoView({ block: 'start' });
}

function wire() {
  q.form.addEventListener('submit', (event) => {
    event.preventDefault();
    write();
    focus = true;
    update();
  });
  q.addEventListener('focus', () => warm(source), { once: true });
  q.addEventListener('input', type);
  q.addEventListener('blur', () => { if (writing) write(); });
  q.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !q.value) return;
    event.preventDefault();
    q.value = '';
    choose(false);
  });
  sort.addEventListener('change', () => choose());
  for (const box of boxes) box.addEventListener('change', () => choose());
  active.addEventListener('click', (event) => {
    const chip = event.target.closest('[data-off]');
    if (chip) off(chip);
  });
  $('#clear')?.addEventListener('click', () => { clear(); choose(); home(); });
  pager.addEventListener('click', (event) => {
    const link = event.target.closest('[data-page]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    turn(+link.dataset.page);
  });
  toggle?.addEventListener('click', () => toggle.setAttribute('aria-expanded', $('.facets').classList.toggle('open')));
  addEventListener('popstate', () => {
    if (location.search === seen) return; // only the fragment
    seen = location.search;
    clearTimeout(writing);
    writing = null;
    restore();
    update();
  });
}

/* Start; gives what to call when the reader's machine changed. `redraw` draws the rulers anew. */
export function find(told, redraw) {
  gallery = told;
  source = { root: new URL(told.root, location.href).href, search: told.search, every: told.every };
  measure = redraw;
  seen = location.search;
  status.removeAttribute('role'); // `say` speaks instead, and not after every letter
  restore();
  wire();
  if (asked()) update();
  return () => { if (sort.value === 'mem' || groups().fit) choose(false); };
}
