/* Lists: the budget over every row, and search, filters and order over the whole gallery, all of it in the address. */
import { $, $$ } from './dom.js';
import { budget, control } from './budget.js';
import { parse, ruler } from './fit.js';
import { row } from './rows.js';
import { escape } from './text.js';

const SIZE = 24;
const gallery = JSON.parse($('#gallery').textContent);
const list = $('.rows'), status = $('#status'), none = $('#none'), pager = $('.pager'), active = $('.active');
const q = $('#q'), sort = $('#sort'), boxes = $$('.facets input');
const still = { rows: list.innerHTML, status: status.innerHTML, pager: pager.innerHTML, none: none.hidden, counts: boxes.map((box) => $('.count', box.parentElement).textContent) };
const estimates = $('.what', pager)?.outerHTML || '';
let page = 1, number = 0, worker = null, shown = null;

function measure() {
  if (shown) { draw(shown); return; }
  for (const element of $$('.ruler[data-v]')) element.innerHTML = ruler(parse(element.dataset.v), budget);
}

function groups() {
  const found = {};
  for (const box of boxes) if (box.checked) (found[box.name] ||= []).push(box.value);
  return found;
}

const asked = () => Boolean(q?.value.trim() || boxes.some((box) => box.checked) || (sort && sort.value !== 'new') || page > 1);

/* What the reader asked for, as a query; the address that gives the same list to somebody else. */
function query(at = page) {
  const words = new URLSearchParams();
  if (q?.value.trim()) words.set('q', q.value.trim());
  for (const [name, values] of Object.entries(groups())) for (const value of values) words.append(name, value);
  if (sort && sort.value !== 'new') words.set('sort', sort.value);
  if (at > 1) words.set('page', at);
  const text = words.toString();
  return text ? `?${text}` : location.pathname;
}

function restore() {
  const words = new URLSearchParams(location.search);
  if (q) q.value = words.get('q') || '';
  for (const box of boxes) box.checked = words.getAll(box.name).includes(box.value);
  if (sort) sort.value = [...sort.options].some((option) => option.value === words.get('sort')) ? words.get('sort') : 'new';
  page = Math.max(1, Number.parseInt(words.get('page') || '1', 10) || 1);
}

function chips() {
  const on = boxes.filter((box) => box.checked);
  active.innerHTML = on.map((box) => `<button class="chip on" type="button" data-off="${box.id}">${escape(box.dataset.label)} <span aria-hidden="true">×</span><span class="vh"> remove filter</span></button>`).join('')
    + (on.length ? '<button class="chip" type="button" data-off="">Clear all</button>' : '');
}

function draw(answer) {
  if (!answer.rows.length && answer.total) { page = Math.ceil(answer.total / SIZE); ask(); return; }
  shown = answer;
  const { total, all, rows, counts } = answer, last = Math.max(1, Math.ceil(total / SIZE)), first = (page - 1) * SIZE;
  list.innerHTML = rows.map((record) => row(record, gallery, budget)).join('');
  status.innerHTML = total > SIZE ? `<b>${first + 1}–${first + rows.length}</b> of ${total} matching, ${all} in all` : `<b>${total}</b> of ${all} models`;
  none.hidden = total > 0;
  boxes.forEach((box) => { $('.count', box.parentElement).textContent = counts[box.name]?.[box.value] || 0; });
  const step = (at, label) => `<a href="${escape(query(at))}" data-page="${at}">${label}</a>`;
  const near = [...new Set([1, page - 1, page, page + 1, last])].filter((at) => at >= 1 && at <= last);
  pager.innerHTML = (last > 1 ? (page > 1 ? step(page - 1, 'Previous') : '')
    + near.map((at, place) => (place && at - near[place - 1] > 1 ? '<span>…</span>' : '') + (at === page ? `<span aria-current="page">${at}</span>` : step(at, at))).join('')
    + (page < last ? step(page + 1, 'Next') : '') : '') + estimates;
}

function rest() {
  shown = null;
  number += 1;
  list.innerHTML = still.rows;
  status.innerHTML = still.status;
  pager.innerHTML = still.pager;
  none.hidden = still.none;
  boxes.forEach((box, place) => { $('.count', box.parentElement).textContent = still.counts[place]; });
  measure();
}

function ask() {
  if (!gallery.search) return;
  if (!asked()) { rest(); return; }
  if (!worker) {
    worker = new Worker(new URL('./search.js', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }) => {
      if (data.number !== number) return;
      if (data.error) status.textContent = 'The search data could not be loaded. The list shows the newest models.';
      else draw(data);
    };
    worker.onerror = () => { status.textContent = 'This browser cannot search here. The list shows the newest models.'; };
  }
  number += 1;
  const { root, search } = gallery;
  worker.postMessage({ number, gallery: { root: new URL(root, location.href).href, search }, text: q?.value || '', groups: groups(), sort: sort?.value || 'new', budget: { ...budget }, start: (page - 1) * SIZE, size: SIZE });
}

/* `push` makes a step of the browser's history; typing only changes the present one. */
function change({ push = false } = {}) {
  page = 1;
  history[push ? 'pushState' : 'replaceState'](null, '', query());
  chips();
  ask();
}

function clear() {
  boxes.forEach((box) => { box.checked = false; });
  if (q) q.value = '';
  if (sort) sort.value = 'new';
  change({ push: true });
}

function turn(at) {
  page = at;
  history.pushState(null, '', query());
  ask();
  $('#models').scrollIntoView({ block: 'start' });
}

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === '/' && q && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    q.focus();
    q.select();
    return;
  }
  if (event.key === 'Escape' && document.activeElement === q && q.value) { q.value = ''; change(); return; }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const links = $$('.row h3 a'), at = links.indexOf(document.activeElement);
  if (at < 0 && document.activeElement !== q) return;
  event.preventDefault();
  (at + step < 0 ? q : links[Math.min(links.length - 1, at + step)])?.focus();
}

control(() => { measure(); if (boxes.some((box) => box.name === 'fit' && box.checked) || sort?.value === 'mem') ask(); });
if (gallery.search) {
  restore();
  q?.form.addEventListener('submit', (event) => event.preventDefault());
  q?.addEventListener('input', () => change());
  sort?.addEventListener('change', () => change({ push: true }));
  for (const box of boxes) box.addEventListener('change', () => change({ push: true }));
  active.addEventListener('click', (event) => {
    const chip = event.target.closest('[data-off]');
    if (!chip) return;
    if (chip.dataset.off) { document.getElementById(chip.dataset.off).checked = false; change({ push: true }); } else clear();
    (q || $('.facets-toggle'))?.focus();
  });
  $('#clear')?.addEventListener('click', clear);
  pager.addEventListener('click', (event) => {
    const link = event.target.closest('[data-page]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    turn(+link.dataset.page);
  });
  $('.facets-toggle')?.addEventListener('click', (event) => {
    const open = $('.facets').classList.toggle('open');
    event.currentTarget.setAttribute('aria-expanded', open);
  });
  addEventListener('popstate', () => { restore(); chips(); ask(); });
  chips();
  if (asked()) ask();
}
document.addEventListener('keydown', keys);
measure();
