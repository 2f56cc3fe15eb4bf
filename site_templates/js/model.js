/* The page of one model: what to run, the memory table for the reader's machine, folded files, the section in view. */
import { $, $$ } from './dom.js';
import { budget, setMemory } from './budget.js';
import { need, state, written, WORDS } from './fit.js';
import { tabs } from './tabs.js';

const build = (line) => ['', ...line.dataset.v.split('|').map(Number)];
const named = (line) => `${line.closest('tbody').dataset.size} ${$('th', line).lastChild.textContent.trim()}`.trim();

/* What to run: the command of each runtime for the target that is chosen, or why there is none. */
function commands() {
  const chooser = $('#target'), source = $('#commands');
  if (!chooser || !source) return;
  const known = JSON.parse(source.textContent), about = $('#runneed');
  const describe = () => {
    const label = known.labels[chooser.value], line = $$('.mem tr[data-v]').find((other) => named(other) === label);
    about.textContent = line ? `${label} needs ${written(need(build(line), budget.context))} GiB at ${budget.context / 1024}K context` : label;
  };
  chooser.onchange = () => {
    for (const section of $$('.runs > section')) {
      const places = known.commands[chooser.value][section.dataset.runtime];
      if (!places) continue; // it has files only
      const said = places.map((place) => known.words[place]), command = $('.cmd.now', section);
      command.hidden = said.length === 1;
      $('pre', command).textContent = said.length > 1 ? said[0] : '';
      $('.why .said', section).textContent = said.at(-1);
      $('.why .for', section)?.remove();
    }
    describe();
  };
  if (budget.context !== 8192) describe(); // else it says so already
}

/* The choice of a machine; one that no option has is added in its place. */
function machine(changed) {
  const mine = $('#mine'), larger = [...mine.options].find((option) => +option.value >= budget.gib);
  if (+larger?.value !== budget.gib) mine.add(new Option(`${budget.gib} GiB`, budget.gib), larger || null);
  mine.value = budget.gib;
  mine.onchange = () => { setMemory(+mine.value); changed(); };
}

/* One size at a time, first that of the command. */
function sizes(table) {
  const picks = $$('[data-pick]');
  if (!picks.length) return;
  const bodies = $$('tbody[data-size]', table);
  const pick = (size) => {
    picks.forEach((button) => button.setAttribute('aria-pressed', button.dataset.pick === size));
    bodies.forEach((body) => { body.hidden = body.dataset.size !== size; });
  };
  picks.forEach((button) => { button.onclick = () => pick(button.dataset.pick); });
  const label = $('#runneed')?.textContent.split(' ')[0];
  pick((picks.find((button) => button.dataset.pick === label) || picks[0]).dataset.pick);
}

function memory() {
  const table = $('.mem');
  if (!table) return;
  const contexts = $$('th[data-ctx]', table).map((head) => +head.dataset.ctx), lines = $$('tr[data-v]', table);
  const draw = () => {
    for (const line of lines) {
      contexts.forEach((context, place) => {
        const gib = need(build(line), context), fits = state(gib, budget.gib), cell = line.children[place + 2];
        cell.className = fits;
        cell.innerHTML = `${written(gib)}<span class="vh"> ${WORDS[fits]}</span>`;
      });
    }
    for (const said of $$('.legend .gib')) said.textContent = `${budget.gib} GiB`;
  };
  machine(draw);
  sizes(table);
  if (budget.gib !== 24) draw(); // else it is what was built
}

/* Mark the section in view in the navigation of the page. */
function inView() {
  const links = $$('.subnav a'), sections = links.map((link) => document.getElementById(link.hash.slice(1))).filter(Boolean);
  if (!('IntersectionObserver' in window)) return;
  const observer = new IntersectionObserver((changes) => {
    const entered = changes.find((change) => change.isIntersecting);
    if (!entered) return;
    for (const link of links) {
      if (link.hash === `#${entered.target.id}`) link.setAttribute('aria-current', 'location');
      else link.removeAttribute('aria-current');
    }
  }, { rootMargin: '-15% 0px -75%' });
  sections.forEach((section) => observer.observe(section));
}

/* Rows of long tables are folded; the focus goes to the first that was. */
function unfold() {
  for (const button of $$('[data-more]')) {
    button.onclick = () => {
      const folded = $$(`.${button.dataset.more}`);
      folded.forEach((line) => line.classList.add('show'));
      button.closest('tr').remove();
      $('a, button, summary', folded[0])?.focus();
    };
  }
}

$$('.runs').forEach(tabs);
commands();
memory();
inView();
unfold();
