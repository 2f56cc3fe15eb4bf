/* Every page can be read without this. It adds theme and copying, and loads what the page at hand needs. */
import { $, root, store, toast } from './dom.js';

const theme = $('#theme-switch');
if (theme) {
  theme.onclick = () => {
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    store.set('theme', root.dataset.theme);
  };
}

document.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-copy]');
  if (!button) return;
  const text = button.dataset.copy || $('pre', button.parentElement).textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.classList.add('done');
    setTimeout(() => button.classList.remove('done'), 1400);
    toast('Copied');
  } catch {
    toast('Copying is not allowed here');
  }
});

if ($('#gallery')) import('./list.js');
else if ($('.mhead')) import('./model.js');
