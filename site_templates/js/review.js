/* The queue of reviews: show what waits on one role. The address keeps the choice. */
import { $, $$ } from './dom.js';

const buttons = $$('#turns [data-turn]');
const rows = $$('.queue tbody tr');
const status = $('#status');

function choose(turn) {
  let shown = 0;
  for (const row of rows) {
    row.hidden = turn !== '' && row.dataset.turn !== turn;
    shown += !row.hidden;
  }
  for (const button of buttons) button.setAttribute('aria-pressed', String(button.dataset.turn === turn));
  status.textContent = `${shown} of ${rows.length} pull requests`;
}

for (const button of buttons) {
  button.onclick = () => {
    choose(button.dataset.turn);
    history.replaceState(null, '', button.dataset.turn ? `?turn=${button.dataset.turn}` : location.pathname);
  };
}
const asked = new URLSearchParams(location.search).get('turn') ?? '';
if (buttons.some((button) => button.dataset.turn === asked)) choose(asked);
