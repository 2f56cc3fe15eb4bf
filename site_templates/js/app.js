/* Every page can be read without this. It adds theme and copying, and loads what the page at hand needs. */
import { $, root, store, toast } from './dom.js';

const theme = $('#theme-switch');
if (theme) {
  theme.onclick = () => {
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    store.set('theme', root.dataset.theme);
    toast(dark ? 'Light theme' : 'Dark theme');
  };
}

document.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-copy]');
  if (!button) return;
  const shown = $('pre', button.parentElement);
  try {
    await navigator.clipboard.writeText(button.dataset.copy || shown.textContent);
    button.classList.add('done');
    setTimeout(() => button.classList.remove('done'), 1400);
    toast('Copied');
  } catch {
    // Browsers refuse outside https, and where the reader said no. What is on the page can be selected instead.
    if (shown) getSelection().selectAllChildren(shown);
    toast(shown ? 'Copying is not allowed here. The text is selected.' : 'Copying is not allowed here');
  }
});

if ($('#gallery')) await import('./list.js');
else if ($('.mhead')) await import('./model.js');
else if ($('#turns')) await import('./review.js');
root.dataset.ready = ''; // everything on the page answers from now on: whoever drives it can wait for this
