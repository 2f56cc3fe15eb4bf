/* Questions to the worker: one at a time, and of those that wait only the newest, so that typing never queues up. */
const UNABLE = 'This browser cannot search here';
let worker = null, dead = false, busy = null, waiting = null, number = 0;

function start() {
  if (worker || dead) return;
  const failed = () => {
    const { broken } = waiting || busy || {};
    dead = true;
    busy = waiting = null;
    broken?.(UNABLE);
  };
  try {
    worker = new Worker(new URL('./search.js', import.meta.url), { type: 'module' });
  } catch {
    failed();
    return;
  }
  worker.onerror = failed;
  worker.onmessage = ({ data }) => {
    const { answered, broken } = busy, next = waiting;
    busy = waiting = null;
    if (next) send(next);
    else if (data.error) broken('The search data could not be loaded');
    else answered(data);
  };
}

function send(asked) {
  busy = asked;
  worker.postMessage(asked.question);
}

/* `answered` gets the answer unless a newer question was asked meanwhile, `broken` why there is none. */
export function ask(question, answered, broken) {
  start();
  number += 1;
  const asked = { question: { ...question, number }, answered, broken };
  if (dead) broken(UNABLE);
  else if (busy) waiting = asked;
  else send(asked);
}

/* Nobody waits for an answer any more. */
export function forget() {
  waiting = null;
  if (busy) Object.assign(busy, { answered() {}, broken() {} });
}

/* Fetch the search data: a question will come in a moment. */
export function warm(gallery) {
  if (worker || dead) return;
  start();
  worker?.postMessage({ warm: true, gallery });
}
