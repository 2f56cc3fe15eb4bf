/* Text into terms of the index, and what a reader typed into a question to it. */
const CJK = '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}';
// A word may hold points before digits: sizes and versions are `1.7B` and `Qwen2.5`.
const WORD = /[\p{L}\p{M}\p{N}]+(?:\.\p{N}[\p{L}\p{M}\p{N}]*)*/gu;
const RUN = new RegExp(`[${CJK}]+|[^${CJK}]+`, 'gu');
const IS_CJK = new RegExp(`^[${CJK}]`, 'u');
const PART = /\d[\d.]*\D*|\D+/g;
const VERSION = /^\d+(\.\d+)+$/;
const prefix = (term) => !/^[\d.]+$/.test(term);

const runs = (text) => (text.match(WORD) || []).flatMap((word) => word.match(RUN));
const pairs = (signs) => signs.slice(1).map((sign, place) => signs[place] + sign);

/* `Llama3.1` is also found as `llama`, `3.1` and `3`; text without spaces by each two signs of it, and by its last. */
export function tokenize(text) {
  return runs(text).flatMap((run) => {
    if (IS_CJK.test(run)) return [...pairs([...run]), [...run].at(-1)];
    const parts = run.match(PART), majors = parts.filter((part) => VERSION.test(part)).map((part) => part.split('.')[0]);
    return [...new Set([run, ...parts, ...majors])];
  });
}

/* Every word has to be found; `llama3` also as `llama` and `3`, where `3` does not begin `32B`. */
export function question(text) {
  const queries = runs(text).map((run) => {
    if (IS_CJK.test(run)) return { combineWith: 'AND', queries: run.length > 1 ? pairs([...run]) : [run] };
    const parts = run.match(PART);
    return parts.length > 1 ? { combineWith: 'OR', queries: [run, { combineWith: 'AND', queries: parts, prefix }] } : run;
  });
  return { combineWith: 'AND', queries };
}

/* A name without its case, spaces and signs. */
export const plain = (text) => (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) || []).join('');

/* How many letters may be wrong, as a part of the word: none of a short one, nor of a number. */
export const fuzzy = (term) => (term.length > 3 && !/\d/.test(term) && !IS_CJK.test(term) ? 0.2 : false);
