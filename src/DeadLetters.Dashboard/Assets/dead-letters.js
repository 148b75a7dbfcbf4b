// Live progress: fetches the page again and updates its texts in place, until the operation has ended. Also the "select all" checkbox.
'use strict';

const pause = 1000;
const longestPause = 10000;
const giveUpAfter = 60000;
const refreshPause = 2000;
const longestRefreshPause = 15000;

async function follow(live) {
  const hint = live.querySelector('[data-reload]');
  let forbidden = false;
  document.addEventListener('securitypolicyviolation', violation => { forbidden ||= violation.effectiveDirective === 'connect-src'; });
  hint.hidden = true;
  for (let silence = 0, wait = pause; ;) {
    await new Promise(done => setTimeout(done, wait));
    const page = await fetchPage();
    if (page) {
      const next = page.querySelector('[data-live]');
      if (!next || next.dataset.live !== live.dataset.live) return location.reload(); // ended, paused or resumed
      update(live, next);
      [silence, wait] = [0, pause];
      continue;
    }
    // The server is restarting or the network is down. The operation may continue, so keep asking, but not forever.
    silence += wait;
    wait = Math.min(wait * 2, longestPause);
    if (forbidden || silence > giveUpAfter) {
      hint.querySelector('[data-why]').textContent = forbidden
        ? 'This page can’t update: the application’s Content-Security-Policy forbids it (connect-src needs \'self\'). The operation may still be running.'
        : 'This page stopped updating: the application has not answered for a minute. The operation may still be running.';
      hint.setAttribute('role', 'alert');
      hint.hidden = false;
      return;
    }
  }
}

// Returns the current page, or null without an answer. Any other page, such as the sign-in, has no [data-live], so follow() reloads.
async function fetchPage() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: 'text/html' }, signal: AbortSignal.timeout(20000) });
    if (answer.status === 502 || answer.status === 503 || answer.status === 504) return null;
    return new DOMParser().parseFromString(answer.ok && !answer.redirected ? await answer.text() : '', 'text/html');
  } catch {
    return null;
  }
}

function update(live, next) {
  for (const part of live.querySelectorAll('[data-part]')) {
    const now = next.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!now) continue;
    if (part instanceof HTMLProgressElement) {
      part.max = now.max;
      if (now.hasAttribute('value')) part.value = now.value; else part.removeAttribute('value');
    } else if (part.textContent !== now.textContent) {
      part.textContent = now.textContent;
    }
  }
}

const live = document.querySelector('[data-live]');
if (live) follow(live);

// Outcomes change after the end of a replay: parts with [data-refresh] are replaced by those of the current page, until none of them has it any more.
async function refreshParts() {
  for (let wait = refreshPause; document.querySelector('[data-refresh]'); wait = Math.min(wait * 1.1, longestRefreshPause)) {
    await new Promise(done => setTimeout(done, wait));
    if (document.hidden || document.querySelector('[data-refresh]:focus-within')) continue;
    const page = await fetchPage();
    if (!page) continue;
    for (const part of document.querySelectorAll('[data-refresh]')) {
      const now = page.getElementById(part.id);
      if (!now) return;
      if (now.innerHTML !== part.innerHTML || !now.hasAttribute('data-refresh')) part.replaceWith(document.adoptNode(now));
    }
  }
}

refreshParts();

function watchSelectAll(root) {
  for (const all of root.querySelectorAll('input[data-selects]')) {
    if (!all.closest('label').hidden) continue; // watched already
    const ones = () => document.querySelectorAll(`input[type=checkbox][name="${all.dataset.selects}"]`);
    all.closest('label').hidden = false;
    all.addEventListener('change', () => { for (const one of ones()) one.checked = all.checked; });
  }
}

watchSelectAll(document);
