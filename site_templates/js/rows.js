/* Rows of a list, drawn from search records: the same markup as rows.html, which a test compares. */
import { escape, fixed } from './text.js';
import { holes, ink } from './covers.js';
import { joined, ruler } from './fit.js';

const ICONS = new Set(['llm', 'embedding', 'rerank', 'image', 'audio', 'video', 'vision']);
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAY = 864e5, NEW_DAYS = 14, SOON_DAYS = 60, MOST_WORDS = 4;

const icon = (name) => `<svg class="i" viewBox="0 0 16 16" aria-hidden="true"><use href="#${name}"/></svg>`;
const day = (iso) => `${+iso.slice(8, 10)} ${MONTHS[+iso.slice(5, 7) - 1]} ${iso.slice(0, 4)}`;

/* A length of context: `40K`, `1M`, `512`. */
function tokens(number) {
  for (const [step, unit] of [[1048576, 'M'], [1024, 'K']]) if (number >= step && number % step === 0) return number / step + unit;
  for (const [step, unit] of [[1e6, 'M'], [1e3, 'K']]) {
    if (number >= step) return fixed(number / step, number % step === 0 || number >= 10 * step ? 0 : 1) + unit;
  }
  return String(number);
}

const SCALE = { K: 1e3, M: 1e6, B: 1e9, T: 1e12 };
const count = (parameters) => parseFloat(parameters) * SCALE[parameters.at(-1)];

/* `0.6B – 235B` */
function sizes(parameters = []) {
  const ordered = [...parameters].sort((a, b) => count(a) - count(b));
  return ordered.length > 1 ? `${ordered[0]} – ${ordered.at(-1)}` : ordered[0] || '';
}

function fact(type, wanted, value) {
  const title = wanted.title.toLowerCase(), label = (item) => type.labels[wanted.name]?.[item] ?? item;
  if (Array.isArray(value)) {
    if (value.length > MOST_WORDS) return `${value.length} ${title}`;
    const said = value.map(label).join(' · ');
    return said === type.title ? '' : said;
  }
  if (typeof value === 'boolean') return value ? title : '';
  if (Number.isInteger(value)) return `${wanted.unit === 'tokens' ? tokens(value) : value.toLocaleString('en')} ${title}`;
  return typeof value === 'string' ? label(value) : '';
}

function expiring(expires) {
  const days = (Date.parse(expires) - Date.parse(new Date().toISOString().slice(0, 10))) / DAY;
  return days > 0 && days <= SOON_DAYS;
}

function badges(record) {
  const found = [], licence = record.facets?.licence || [];
  const badge = (kind, sign, label) => found.push(`<span class="badge ${kind}">${sign ? icon(sign) : ''}${escape(label)}</span>`);
  if (record.added && (Date.now() - Date.parse(record.added)) / DAY < NEW_DAYS) badge('new', '', 'New');
  if (record.status === 'deprecated') badge('warn', 'archive', 'Deprecated');
  if (record.expires && expiring(record.expires)) badge('warn', 'clock', `Expires ${day(record.expires)}`);
  if (licence.includes('gated')) badge('line', 'lock', 'Gated');
  if (licence.includes('forbidden')) badge('line', '', 'Non-commercial');
  if (record.edition === 'enterprise') badge('line', '', 'Enterprise');
  if (record.visibility) badge('line', 'lock', record.visibility[0].toUpperCase() + record.visibility.slice(1));
  return found.join('');
}

function meta(record, type) {
  const facts = [sizes(record.parameters), ...type.rows.map((wanted) => fact(type, wanted, record.rows?.[wanted.name]))].filter(Boolean);
  return [
    `<span>${icon(`t-${ICONS.has(record.type) ? record.type : 'other'}`)}${escape(type.title)}</span>`,
    ...facts.map((text, index) => `<span${index > 1 ? ' class="hide-s"' : ''}>${escape(text)}</span>`),
    record.license ? `<span>${escape(record.license)}</span>` : '',
    record.added ? `<span class="hide-s"><time datetime="${escape(record.added)}">${day(record.added)}</time></span>` : '',
  ].join('');
}

/* One row: `place` in the list, `gallery` is what the page says of itself, `budget` the reader's machine. */
export function row(record, place, gallery, budget) {
  const type = gallery.types[record.type], builds = record.builds?.length ? record.builds : null;
  return `<li class="row" data-id="${escape(record.id)}" data-type="${escape(record.type)}" data-n="${place}">`
    + `<svg class="cover h${ink(record.id.split('/')[0])}" viewBox="0 0 48 48" aria-hidden="true"><use href="#card"/><path d="${holes(record.id, type.position)}"/></svg>`
    + `<div class="txt"><div class="name"><h3><a href="${escape(`${gallery.root}models/${record.id}/`)}">${escape(record.title)}</a></h3>${badges(record)}<span class="id mono">${escape(record.id)}</span></div>`
    + `${record.summary ? `<p class="sum">${escape(record.summary)}</p>` : ''}<div class="meta">${meta(record, type)}</div></div>`
    + `<div class="ruler"${builds ? ` data-v="${escape(joined(builds))}"` : ''}>${ruler(builds, budget)}</div></li>`;
}
