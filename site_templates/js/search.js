/* The worker behind a list: fetches search documents on first use, filters, counts facets, sorts, and searches text. */
import MiniSearch from './vendor/minisearch.js';
import { choose } from './fit.js';

let records = [], index = null, loading = null;

async function load({ root, search }) {
  const documents = await Promise.all(Object.values(search).map(async (path) => {
    const answer = await fetch(root + path);
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return answer.json();
  }));
  records = documents.flatMap((document) => document.models.map((record) => ({ ...record, type: document.type })));
  // Each document is newest first; together they are again.
  records.sort((a, b) => (b.added || '').localeCompare(a.added || '') || (a.id < b.id ? -1 : 1));
  records.forEach((record, place) => { record.place = place; });
}

const CJK = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;
const segmenter = typeof Intl.Segmenter === 'function' ? new Intl.Segmenter('zh', { granularity: 'word' }) : null;

/* Words at every sign; text without spaces by its own words and its single characters. */
function tokenize(text) {
  const words = text.split(/[\s\p{P}\p{S}]+/u).filter(Boolean);
  return words.flatMap((word) => {
    if (!CJK.test(word)) return [word];
    const parts = segmenter ? [...segmenter.segment(word)].map((part) => part.segment) : [];
    return [...new Set([...parts, ...word])];
  });
}

function build() {
  index = new MiniSearch({
    idField: 'place',
    fields: ['title', 'id', 'publisher', 'words', 'summary'],
    tokenize,
    searchOptions: {
      boost: { title: 4, id: 3, publisher: 2, words: 1.5 },
      prefix: true,
      fuzzy: (term) => (term.length > 3 && !CJK.test(term) ? 0.2 : false),
      combineWith: 'AND',
    },
  });
  index.addAll(records);
}

const ORDERS = {
  new: (a, b) => a.place - b.place,
  updated: (a, b) => (b.updated || '').localeCompare(a.updated || '') || a.place - b.place,
  name: (a, b) => a.title.localeCompare(b.title) || a.place - b.place,
  mem: (a, b) => a.low - b.low || a.place - b.place,
  ctx: (a, b) => (b.rows?.context_length || 0) - (a.rows?.context_length || 0) || a.place - b.place,
};
const ALL_OF = new Set(['abilities', 'task', 'trait', 'domain']);

function matches(record, groups, except) {
  return Object.entries(groups).every(([name, wanted]) => {
    if (name === except) return true;
    const has = name === 'fit' ? [record.fit] : record.facets?.[name] || [];
    return ALL_OF.has(name) ? wanted.every((value) => has.includes(value)) : wanted.some((value) => has.includes(value));
  });
}

function answer({ text, groups, sort, budget, start, size }) {
  let found = records;
  if (text.trim()) {
    if (!index) build();
    found = index.search(text).map((hit) => records[hit.id]);
  }
  for (const record of records) {
    const best = choose(record.builds, budget);
    record.fit = best?.state;
    record.low = best ? best.low : Infinity;
  }
  const kept = found.filter((record) => matches(record, groups));
  if (!(text.trim() && sort === 'new')) kept.sort(ORDERS[sort] || ORDERS.new);
  const counts = {};
  const names = new Set(['fit', ...records.flatMap((record) => Object.keys(record.facets || {}))]);
  for (const name of names) {
    const tally = {};
    // Values that all have to match narrow each other; of the others, each would be added to those chosen.
    for (const record of ALL_OF.has(name) ? kept : found.filter((item) => matches(item, groups, name))) {
      for (const value of name === 'fit' ? [record.fit] : record.facets?.[name] || []) tally[value] = (tally[value] || 0) + 1;
    }
    counts[name] = tally;
  }
  return { total: kept.length, all: records.length, rows: kept.slice(start, start + size), counts };
}

self.onmessage = async ({ data }) => {
  try {
    loading ||= load(data.gallery);
    await loading;
    self.postMessage({ number: data.number, ...answer(data) });
  } catch (error) {
    loading = null;
    self.postMessage({ number: data.number, error: String(error) });
  }
};
