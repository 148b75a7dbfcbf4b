// Live progress: asks for the page again and puts the new text into its place, until what goes on has ended. And "select all".
'use strict';

const pause = 1000;

async function follow(live) {
  for (;;) {
    await new Promise(done => setTimeout(done, pause));
    let page;
    try {
      const answer = await fetch(location.href, { headers: { Accept: 'text/html' } });
      if (!answer.ok || answer.redirected) return location.reload();
      page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    } catch {
      continue; // the server restarts, or the network is gone: what goes on there goes on
    }
    const next = page.querySelector('[data-live]');
    if (!next) return location.reload();
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
}

const live = document.querySelector('[data-live]');
if (live) follow(live);

for (const all of document.querySelectorAll('input[data-selects]')) {
  const ones = () => document.querySelectorAll(`input[type=checkbox][name="${all.dataset.selects}"]`);
  all.closest('label').hidden = false;
  all.addEventListener('change', () => { for (const one of ones()) one.checked = all.checked; });
}
