/* The worker behind a list: fetches search documents on first use, filters, counts facets, sorts, and searches text. */
import MiniSearch from './vendor/minisearch.js';
import { need, state } from './fit.js';
import { fuzzy, plain, question, tokenize } from './words.js';

let records = [], facets = [], index = null, loading = null;
let found = { text: '', records: [] }, context = 0;

async function load({ root, search }) {
  const documents = await Promise.all(Object.values(search).map(async (path) => {
    const answer = await fetch(root + path);
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return answer.json();
  }));
  records = documents.flatMap((document) => document.models.map((record) => ({ ...record, type: document.type })));
  // Each document is newest first; so are all of them together, in the order of the built lists.
  records.sort((a, b) => compare(b.added || '', a.added || '') || compare(a.id, b.id));
  records.forEach((record, place) => { record.place = place; });
  facets = [...new Set(records.flatMap((record) => Object.keys(record.facets || {})))];
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const names = new Intl.Collator('en', { numeric: true });
const ORDERS = {
  new: (a, b) => a.place - b.place,
  updated: (a, b) => compare(b.updated || '', a.updated || '') || a.place - b.place,
  name: (a, b) => names.compare(a.title, b.title) || a.place - b.place,
  mem: (a, b) => compare(a.low, b.low) || a.place - b.place,
  ctx: (a, b) => (b.rows?.context_length || 0) - (a.rows?.context_length || 0) || a.place - b.place,
};

function build() {
  if (index) return;
  index = new MiniSearch({ idField: 'place', fields: ['title', 'id', 'publisher', 'words', 'summary'], tokenize });
  index.addAll(records);
}

/* Records by how well they match, kept for the next question: filters and pages do not search again. */
function matching(text) {
  if (!text.trim()) return records;
  build();
  if (found.text !== text) {
    const asked = plain(text);
    const options = {
      boost: { title: 4, id: 3, publisher: 2, words: 1.5 },
      // The one that is called so comes first, what is to be left comes late.
      boostDocument: (place) => (plain(records[place].title) === asked ? 4 : 1) * (records[place].status ? 0.4 : 1),
      prefix: true,
      fuzzy,
      tokenize: (term) => [term],
    };
    const { queries, combineWith } = question(text);
    found = { text, records: queries.length ? index.search({ combineWith, queries }, options).map((hit) => records[hit.id]) : [] };
  }
  return found.records;
}

/* Memory of the smallest build: whether anything of a model fits depends on it alone. */
function measure(budget) {
  if (context === budget.context) return;
  context = budget.context;
  for (const record of records) record.low = Math.min(...(record.builds || []).map((build) => need(build, context)));
}

/* Models kept by all filters, and the number behind each value: of those kept where all values of a facet have to
   match, else as many as there were if this facet had no filter, because another value would add to those chosen. */
function filter(candidates, groups, every, gib) {
  const asked = Object.entries(groups), kept = [], counts = { fit: {} };
  for (const name of facets) counts[name] = {};
  for (const record of candidates) {
    const fit = Number.isFinite(record.low) ? state(record.low, gib) : '';
    const missed = asked.filter(([name, wanted]) => {
      const has = name === 'fit' ? [fit] : record.facets?.[name] || [];
      return !(every.includes(name) ? wanted.every((value) => has.includes(value)) : wanted.some((value) => has.includes(value)));
    });
    if (missed.length > 1 || (missed.length && every.includes(missed[0][0]))) continue;
    if (!missed.length) kept.push(record);
    for (const name of missed.length ? [missed[0][0]] : ['fit', ...facets]) {
      const values = name === 'fit' ? [fit] : record.facets?.[name];
      if (values) for (const value of values) counts[name][value] = (counts[name][value] || 0) + 1;
    }
  }
  return { kept, counts };
}

function answer({ gallery, text, groups, sort, budget, start, size }) {
  measure(budget);
  const { kept, counts } = filter(matching(text), groups, gallery.every, budget.gib);
  if (sort !== 'new' || !text.trim()) kept.sort(ORDERS[sort]);
  return { total: kept.length, all: records.length, rows: kept.slice(start, start + size), counts };
}

self.onmessage = async ({ data }) => {
  try {
    loading ||= load(data.gallery);
    await loading;
    if (data.warm) build();
    else self.postMessage({ number: data.number, ...answer(data) });
  } catch (error) {
    loading = null;
    if (!data.warm) self.postMessage({ number: data.number, error: String(error) });
  }
};
