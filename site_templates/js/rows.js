/* Rows of a list, drawn from search records: the same markup as rows.html. */
import { escape } from './text.js';
import { holes, ink } from './covers.js';
import { ruler } from './fit.js';

const ICONS = new Set(['llm', 'embedding', 'rerank', 'image', 'audio', 'video', 'vision']);
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const NEW_DAYS = 14;

export const day = (iso) => (iso ? `${+iso.slice(8, 10)} ${MONTHS[+iso.slice(5, 7) - 1]} ${iso.slice(0, 4)}` : '');

function tokens(number) {
  for (const [step, unit] of [[1048576, 'M'], [1024, 'K']]) if (number >= step && number % step === 0) return number / step + unit;
  for (const [step, unit] of [[1e6, 'M'], [1e3, 'K']]) {
    if (number >= step) return (number % step === 0 || number >= 10 * step ? Math.round(number / step) : (number / step).toFixed(1)) + unit;
  }
  return String(number);
}

const SCALE = { K: 1e3, M: 1e6, B: 1e9, T: 1e12 };
export const count = (parameters) => parseFloat(parameters) * SCALE[parameters.at(-1)];

export function sizes(parameters) {
  const ordered = [...(parameters || [])].sort((a, b) => count(a) - count(b));
  return ordered.length > 1 ? `${ordered[0]} – ${ordered.at(-1)}` : ordered[0] || '';
}

function fact(type, row, value) {
  const title = row.title.toLowerCase(), label = (item) => type.labels[row.name]?.[item] ?? item;
  if (Array.isArray(value)) return value.length > 4 ? `${value.length} ${title}` : value.map(label).join(' · ');
  if (typeof value === 'boolean') return value ? title : '';
  if (typeof value === 'number') return `${row.unit === 'tokens' ? tokens(value) : value.toLocaleString('en')} ${title}`;
  return value === undefined ? '' : label(value);
}

function badges(record) {
  const found = [], licence = record.facets?.licence || [];
  const badge = (kind, icon, label) => `<span class="badge ${kind}">${icon ? `<svg class="i" viewBox="0 0 16 16" aria-hidden="true"><use href="#${icon}"/></svg>` : ''}${escape(label)}</span>`;
  if (record.added && (Date.now() - Date.parse(record.added)) / 864e5 < NEW_DAYS) found.push(badge('new', '', 'New'));
  if (record.status === 'deprecated') found.push(badge('warn', 'archive', 'Deprecated'));
  if (licence.includes('gated')) found.push(badge('line', 'lock', 'Gated'));
  if (licence.includes('forbidden')) found.push(badge('line', '', 'Non-commercial'));
  return found.join('');
}

/* One row: `gallery` is what the page says of itself, `budget` the reader's machine. */
export function row(record, gallery, budget) {
  const type = gallery.types[record.type], icon = ICONS.has(record.type) ? record.type : 'other';
  const facts = [sizes(record.parameters), ...type.rows.map((item) => fact(type, item, record.rows?.[item.name]))].filter(Boolean);
  const meta = [
    `<span><svg class="i" viewBox="0 0 16 16" aria-hidden="true"><use href="#t-${icon}"/></svg>${escape(type.title)}</span>`,
    ...facts.map((text, index) => `<span${index > 1 ? ' class="hide-s"' : ''}>${escape(text)}</span>`),
    record.license ? `<span>${escape(record.license)}</span>` : '',
    record.added ? `<span class="hide-s"><time datetime="${escape(record.added)}">${day(record.added)}</time></span>` : '',
  ].join('');
  return `<li class="row" data-id="${escape(record.id)}" data-type="${escape(record.type)}">`
    + `<svg class="cover h${ink(record.id.split('/')[0])}" viewBox="0 0 48 48" aria-hidden="true"><use href="#card"/><path d="${holes(record.id, type.position)}"/></svg>`
    + `<div class="txt"><div class="name"><h3><a href="${escape(`${gallery.root}models/${record.id}/`)}">${escape(record.title)}</a></h3>${badges(record)}<span class="id mono">${escape(record.id)}</span></div>`
    + `${record.summary ? `<p class="sum">${escape(record.summary)}</p>` : ''}<div class="meta">${meta}</div></div>`
    + `<div class="ruler">${ruler(record.builds, budget)}</div></li>`;
}
