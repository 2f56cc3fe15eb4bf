/* Sections that are headings without script, and tabs with it. */
import { $, $$, store } from './dom.js';

/* The tab a reader took last is open again on the next model, where it has a command there. */
export function tabs(box) {
  const sections = $$(':scope > section', box), bar = document.createElement('div');
  bar.className = 'tabs';
  bar.setAttribute('role', 'tablist');
  bar.setAttribute('aria-label', box.dataset.label);
  const open = (chosen) => sections.forEach((section, place) => {
    section.hidden = place !== chosen;
    bar.children[place].setAttribute('aria-selected', place === chosen);
    bar.children[place].tabIndex = place === chosen ? 0 : -1;
  });
  const take = (place) => {
    open(place);
    store.set('runtime', sections[place].dataset.runtime);
  };
  sections.forEach((section, place) => {
    const tab = document.createElement('button');
    tab.type = 'button';
    tab.textContent = $('h3', section).textContent;
    tab.id = `run-tab-${place}`;
    section.id ||= `run-${place}`;
    tab.setAttribute('role', 'tab');
    tab.setAttribute('aria-controls', section.id);
    section.setAttribute('role', 'tabpanel');
    section.setAttribute('aria-labelledby', tab.id);
    tab.onclick = () => take(place);
    tab.onkeydown = (event) => {
      const to = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: sections.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = (to + sections.length) % sections.length;
      take(next);
      bar.children[next].focus();
    };
    bar.append(tab);
  });
  box.prepend(bar);
  const able = sections.map((section) => !!$('.cmd:not([hidden])', section)), last = store.get('runtime');
  const first = sections.findIndex((section, place) => able[place] && section.dataset.runtime === last);
  open(first >= 0 ? first : Math.max(0, able.indexOf(true)));
}
