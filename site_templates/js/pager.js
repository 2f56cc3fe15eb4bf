/* The steps under a list that the script draws. */
import { escape } from './text.js';

/* `address` gives the query of a page. */
export function steps(page, last, address) {
  if (last < 2) return '';
  const step = (at, label) => `<a href="${escape(address(at) || './')}" data-page="${at}">${label}</a>`;
  const near = [...new Set([1, page - 2, page - 1, page, page + 1, page + 2, last])].filter((at) => at >= 1 && at <= last);
  const numbers = near.map((at, place) => {
    const gap = place && at - near[place - 1] > 1 ? '<span>…</span>' : '';
    return gap + (at === page ? `<span aria-current="page">${at}</span>` : step(at, at));
  });
  return (page > 1 ? step(page - 1, 'Previous') : '') + numbers.join('') + (page < last ? step(page + 1, 'Next') : '');
}
