/* The page of one model: what to run, the memory table for the reader's machine, folded files, the section in view. */
import { $, $$ } from './dom.js';
import { budget, setMemory } from './budget.js';
import { need, state, written, WORDS } from './fit.js';

/* Sections of the run box are headings without script and tabs with it. */
function tabs(box) {
  const sections = $$(':scope > section', box), bar = document.createElement('div');
  bar.className = 'tabs';
  bar.setAttribute('role', 'tablist');
  bar.setAttribute('aria-label', box.dataset.label);
  const open = (chosen) => sections.forEach((section, place) => {
    section.hidden = place !== chosen;
    bar.children[place].setAttribute('aria-selected', place === chosen);
    bar.children[place].tabIndex = place === chosen ? 0 : -1;
  });
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
    tab.onclick = () => open(place);
    tab.onkeydown = (event) => {
      const to = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: sections.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = (to + sections.length) % sections.length;
      open(next);
      bar.children[next].focus();
    };
    bar.append(tab);
  });
  box.prepend(bar);
  const first = sections.findIndex((section) => !$('.cmd', section)?.hidden);
  open(Math.max(0, first));
}

function commands() {
  const chooser = $('#target'), source = $('#commands');
  if (!chooser || !source) return;
  const known = JSON.parse(source.textContent), about = $('#runneed');
  chooser.onchange = () => {
    for (const section of $$('.runs > section')) {
      const said = known.commands[chooser.value][section.dataset.runtime].map((place) => known.words[place]);
      const command = $('.cmd', section);
      command.hidden = said.length === 1;
      $('pre', command).textContent = said.length > 1 ? said[0] : '';
      $('.why .said', section).textContent = said.at(-1);
      $('.why .for', section)?.remove();
    }
    const label = known.labels[chooser.value];
    const row = $$('.mem tr[data-v]').find((line) => `${line.closest('tbody').dataset.size} ${$('th', line).lastChild.textContent.trim()}`.trim() === label);
    const gib = row ? need(['', ...row.dataset.v.split('|').map(Number)], budget.context) : null;
    about.textContent = gib ? `${label} needs ${written(gib)} GiB at ${Math.round(budget.context / 1024)}K context` : label;
  };
}

function memory() {
  const table = $('.mem');
  if (!table) return;
  const contexts = $$('th[data-ctx]', table).map((head) => +head.dataset.ctx);
  const draw = () => {
    for (const line of $$('tr[data-v]', table)) {
      const build = ['', ...line.dataset.v.split('|').map(Number)];
      contexts.forEach((context, place) => {
        const gib = need(build, context), fits = state(gib, budget.gib), cell = line.children[place + 2];
        cell.className = fits;
        cell.innerHTML = `${written(gib)}<span class="vh"> ${WORDS[fits]}</span>`;
      });
    }
    for (const said of $$('.legend .gib')) said.textContent = `${budget.gib} GiB`;
  };
  const mine = $('#mine');
  if (mine) {
    if (![...mine.options].some((option) => +option.value === budget.gib)) mine.add(new Option(`${budget.gib} GiB`, budget.gib));
    mine.value = budget.gib;
    mine.onchange = () => { setMemory(+mine.value); draw(); };
  }
  const picks = $$('[data-pick]');
  const pick = (size) => {
    picks.forEach((button) => button.setAttribute('aria-pressed', button.dataset.pick === size));
    for (const body of $$('tbody[data-size]', table)) body.hidden = body.dataset.size !== size;
  };
  picks.forEach((button) => { button.onclick = () => pick(button.dataset.pick); });
  if (picks.length > 1) {
    const label = $('#runneed')?.textContent.split(' ')[0];
    pick((picks.find((button) => button.dataset.pick === label) || picks[0]).dataset.pick);
  }
  draw();
}

function inView() {
  const links = $$('.subnav a'), sections = links.map((link) => document.getElementById(link.hash.slice(1))).filter(Boolean);
  if (!sections.length || !('IntersectionObserver' in window)) return;
  const seen = new IntersectionObserver((changes) => {
    for (const change of changes) {
      if (!change.isIntersecting) continue;
      for (const link of links) {
        if (link.hash === `#${change.target.id}`) link.setAttribute('aria-current', 'location');
        else link.removeAttribute('aria-current');
      }
    }
  }, { rootMargin: '-15% 0px -75%' });
  sections.forEach((section) => seen.observe(section));
}

$$('.runs').forEach(tabs);
commands();
memory();
inView();
for (const button of $$('[data-more]')) {
  button.onclick = () => {
    const hidden = $$(`.${button.dataset.more}`);
    hidden.forEach((line) => line.classList.add('show'));
    button.closest('tr').remove();
    hidden[0]?.querySelector('a, button, summary')?.focus();
  };
}
