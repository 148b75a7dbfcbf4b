// The board and the list of letters: live parts, keys, and times in the reader's time zone. Everything works without this script.
'use strict';

const board = document.querySelector('[data-board]');
const rowsSelector = '[data-row]';

// ---- Times: exact ones in the reader's time zone, relative ones that stay true.

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const clocks = {
  time: new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' }),
  day: new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }),
};

// As Relative.cs writes it.
function ago(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds > -5 && seconds < 5) return 'just now';
  const [length, all] = [Math.abs(seconds), [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]]];
  const [unit, size] = all.find(([, one]) => length >= 2 * one) ?? all[3];
  const words = `${Math.floor(length / size).toLocaleString('en')} ${unit}`;
  return seconds < 0 ? `in ${words}` : `${words} ago`;
}

function showTimes(root) {
  for (const time of root.querySelectorAll('time[data-ago]')) {
    const text = ago(Date.now() - new Date(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
    time.title = exact.format(new Date(time.dateTime));
  }
  for (const time of root.querySelectorAll('time[data-clock]'))
    time.textContent = clocks[time.dataset.clock].format(new Date(time.dateTime));
  for (const bar of root.querySelectorAll('a[data-from]'))
    bar.querySelector('title').textContent = `${bar.dataset.count} from ${exact.format(new Date(bar.dataset.from))} to ${exact.format(new Date(bar.dataset.to))}`;
}

showTimes(document);
setInterval(() => showTimes(document), 10000);

// ---- What is selected.

const ticked = () => [...board.querySelectorAll(`${rowsSelector} input[type=checkbox]:checked`)];

function showTicked() {
  const count = ticked().length;
  for (const row of board.querySelectorAll(rowsSelector))
    row.classList.toggle('ticked', row.querySelector('input[type=checkbox]')?.checked ?? false);
  for (const hint of board.querySelectorAll('[data-ticked]')) {
    const text = count === 0 ? '' : `${count} selected`;
    if (hint.textContent !== text) hint.textContent = text;
  }
}

// ---- Keys.

const rows = () => [...board.querySelectorAll(rowsSelector)];
const current = () => document.activeElement?.closest?.(rowsSelector);

function move(step) {
  const all = rows();
  const at = all.indexOf(current());
  const next = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
  next?.querySelector('[data-main]').focus();
  next?.scrollIntoView({ block: 'nearest' });
}

const keys = {
  '/': () => document.getElementById('q').focus(),
  '?': () => document.querySelector('[data-keys]').showModal(),
  j: () => move(1),
  k: () => move(-1),
  x: () => current()?.querySelector('input[type=checkbox]')?.click(),
  r: () => {
    const form = board.querySelector('form[data-rows]');
    const some = ticked().length > 0 || form?.elements.all?.checked;
    if (some) form.querySelector('.acts button')?.click();
    else if (current()?.querySelector('[data-replay]')) current().querySelector('[data-replay]').click();
    else if (current()?.querySelector('input[type=checkbox]')) {
      current().querySelector('input[type=checkbox]').checked = true;
      form.querySelector('.acts button')?.click();
    }
  },
};

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || document.querySelector('dialog[open]')) return;
  if (event.target.matches('input:not([type=checkbox]), textarea, select')) {
    if (event.key === 'Escape') event.target.blur();
    return;
  }
  if (!Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  keys[event.key]();
}

// ---- Live: the server says that something changed; the page is fetched again, and what differs is replaced.

const state = document.querySelector('[data-live-state]');

function say(text, kind) {
  if (state.textContent !== text) state.textContent = text;
  state.className = `live ${kind}`;
}

// Identifies an element across two versions of the page.
const nameOf = element =>
  element.id ? `#${CSS.escape(element.id)}`
  : element.name === 'all' ? 'input[name="all"]' // its value says which letters the list shows now
  : element.matches('input[name][value]') ? `input[name="${element.name}"][value="${CSS.escape(element.value)}"]`
  : null;

function replace(part, next) {
  const ticks = [...part.querySelectorAll('input[type=checkbox]:checked')].map(nameOf).filter(name => name);
  const row = part.contains(document.activeElement) ? current() : null;
  const key = row && (row.querySelector('input[type=checkbox]')?.value ?? row.querySelector('[data-main]').textContent);
  const inRow = row && ['[data-main]', 'input[type=checkbox]', 'button[data-replay]', 'button.quiet'].find(one => document.activeElement.matches(one));
  const focused = !row && part.contains(document.activeElement) ? nameOf(document.activeElement) : null;
  part.replaceChildren(...next.childNodes);
  for (const name of ticks) {
    const box = part.querySelector(name);
    if (box) box.checked = true;
  }
  const again = row && [...part.querySelectorAll(rowsSelector)].find(one => (one.querySelector('input[type=checkbox]')?.value ?? one.querySelector('[data-main]').textContent) === key);
  (again?.querySelector(inRow ?? '[data-main]') ?? (focused ? part.querySelector(focused) : null))?.focus({ preventScroll: true });
}

async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: 'text/html' }, signal: AbortSignal.timeout(20000) });
  if (answer.redirected) return location.reload(); // to the sign-in page
  if (!answer.ok) throw new Error(`${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const next = page.querySelector('[data-board]');
  if (!next) return location.reload(); // the catalogue can't be read: the page says why
  showTimes(page);
  const scroll = [scrollX, scrollY];
  for (const part of board.querySelectorAll('[data-part]')) {
    const now = next.querySelector(`[data-part="${part.dataset.part}"]`);
    if (now && now.innerHTML !== part.innerHTML) replace(part, now);
  }
  scrollTo(...scroll);
  board.dataset.board = next.dataset.board;
  watchSelectAll(board);
  showTicked();
}

let busy = false;
let again = false;
let newest = null;
let retry = 0;

async function changed() {
  if (busy) { again = true; return; }
  busy = true;
  try {
    do {
      again = false;
      await refresh();
      say('Live', 'on');
    } while (again);
    // The answer may be some seconds old: the next one is not.
    clearTimeout(retry);
    if (newest !== board.dataset.board) retry = setTimeout(() => { if (newest !== board.dataset.board) changed(); }, 1500);
  } catch {
    say('Not live: the last update failed. It is tried again with the next change.', 'off');
  } finally {
    busy = false;
  }
}

function followChanges() {
  const events = new EventSource(board.dataset.events);
  events.onopen = () => say('Live', 'on');
  events.onerror = () => {
    say('Not live: connecting again', 'off');
    // A browser does not try again after a refusal, as of a connection beyond the limit, or by a proxy during a restart.
    if (events.readyState === EventSource.CLOSED) setTimeout(followChanges, 10000 + Math.random() * 5000);
  };
  events.onmessage = message => {
    newest = message.data;
    if (newest !== board.dataset.board) changed();
  };
}

if (board) {
  document.addEventListener('keydown', onKey);
  board.addEventListener('change', showTicked);
  showTicked();
  followChanges();
}
