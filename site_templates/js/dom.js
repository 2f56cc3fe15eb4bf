/* Small things every page needs. */
export const root = document.documentElement;
export const $ = (selector, within = document) => within.querySelector(selector);
export const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

export const store = {
  get(key) { try { return localStorage.getItem(key); } catch { return null; } },
  set(key, value) { try { localStorage.setItem(key, value); } catch { /* a private window may refuse */ } },
};

function region(name) {
  const element = document.body.appendChild(document.createElement('div'));
  element.className = name;
  element.setAttribute('role', 'status');
  return element;
}

// A live region has to be there before its text is, or a screen reader may miss the first message.
const message = Object.assign(region('toast'), { id: 'toast' });
const spoken = region('vh');
let hiding, speaking;

/* A short message for everybody. */
export function toast(text) {
  message.textContent = text;
  message.classList.add('show');
  clearTimeout(hiding);
  hiding = setTimeout(() => { message.classList.remove('show'); message.textContent = ''; }, 2400);
}

/* A message for screen readers, once nothing newer was to be said for a moment: not after every letter typed. */
export function say(text) {
  clearTimeout(speaking);
  speaking = setTimeout(() => { if (spoken.textContent !== text) spoken.textContent = text; }, 700);
}
