/* Small things every page needs. */
export const root = document.documentElement;
export const $ = (selector, within = document) => within.querySelector(selector);
export const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

export const store = {
  get(key) { try { return localStorage.getItem(key); } catch { return null; } },
  set(key, value) { try { localStorage.setItem(key, value); } catch { /* a private window may refuse */ } },
};

let live, timer;
/* A short message that a screen reader says too. */
export function toast(text) {
  if (!live) {
    live = document.body.appendChild(Object.assign(document.createElement('div'), { id: 'toast', className: 'toast' }));
    live.setAttribute('role', 'status');
  }
  live.textContent = text;
  live.classList.add('show');
  clearTimeout(timer);
  timer = setTimeout(() => live.classList.remove('show'), 1600);
}
