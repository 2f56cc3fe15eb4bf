/* What the reader asked for, as it stands in the controls and in the address, so that a list can be shared. */
import { $, $$ } from './dom.js';

export const q = $('#q'), sort = $('#sort'), boxes = $$('.facets input');
const known = new Set($$('.facets fieldset').map((group) => group.dataset.facet));
const order = [...sort.options].map((option) => option.value);
let rare = []; // values of tags that are too rare for a box: pages of models link to them

export let page = 1;
export const setPage = (at) => { page = at; };

/* Every chosen value, with its box where it has one. */
export const chosen = () => [
  ...boxes.filter((box) => box.checked).map((box) => ({ name: box.name, value: box.value, label: box.dataset.label, box })),
  ...rare,
];

/* Facet → chosen values. */
export function groups() {
  const found = {};
  for (const { name, value } of chosen()) (found[name] ||= []).push(value);
  return found;
}

export function drop(filter) {
  if (filter.box) filter.box.checked = false;
  else rare = rare.filter((other) => other !== filter);
}

export function clear() {
  for (const filter of chosen()) drop(filter);
  q.value = '';
  sort.value = order[0];
}

/* Whether the list is another one than the page was built with. */
export const asked = () => Boolean(q.value.trim() || chosen().length || sort.value !== order[0] || page > 1);

/* The query for a page of what was asked; empty for the list that the page was built with. */
export function query(at = page) {
  const words = new URLSearchParams();
  if (q.value.trim()) words.set('q', q.value.trim());
  for (const { name, value } of chosen()) words.append(name, value);
  if (sort.value !== order[0]) words.set('sort', sort.value);
  if (at > 1) words.set('page', at);
  const text = words.toString();
  return text ? `?${text}` : '';
}

/* Put the controls into the state of the address. */
export function restore() {
  const words = new URLSearchParams(location.search);
  q.value = words.get('q') || '';
  for (const box of boxes) {
    box.checked = words.getAll(box.name).includes(box.value);
    if (box.checked && box.closest('details')) box.closest('details').open = true;
  }
  const boxed = ([name, value]) => boxes.some((box) => box.name === name && box.value === value);
  rare = [...words].filter((pair) => known.has(pair[0]) && !boxed(pair)).map(([name, value]) => ({ name, value, label: value }));
  sort.value = order.includes(words.get('sort')) ? words.get('sort') : order[0];
  page = Math.max(1, Number.parseInt(words.get('page'), 10) || 1);
}
