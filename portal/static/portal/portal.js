// The portal's own script: small, external, no eval, so it runs under script-src 'self'. Behaviour hangs on data-* attributes.
// Everything it adds is a convenience: reading, filtering and sending forms work without it.
(() => {
'use strict';
const $ = (selector, from = document) => from.querySelector(selector);
const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
const root = document.documentElement;
const on = (name, act, where = document) => where.addEventListener(name, act);

// --- morph swaps -------------------------------------------------------------------------------------------------
// Own glue, because the glue shipped with idiomorph 0.8.0 evaluates strings and nests elements on hx-swap-oob="innerHTML"
// (idiomorph issue 148). What a person opened stays open; what a person types stays typed; focus returns.
htmx.defineExtension('morph', {
  isInlineSwap: style => style === 'morph',
  handleSwap: (style, target, fragment) => style.startsWith('morph') && Idiomorph.morph(target, [...fragment.childNodes], {
    // Only of what a person types in is the value kept: a row that has the focus must take its new words.
    morphStyle: style === 'morph' ? 'outerHTML' : 'innerHTML', ignoreActiveValue: typing(document.activeElement || document.body), restoreFocus: true,
    callbacks: { beforeAttributeUpdated: (name, node) => !(name === 'open' && node.matches('details,dialog')) } }),
});

// The CSRF token comes from a meta tag, so that its cookie can be HttpOnly. After signing in again in another tab the old
// token is refused once; the answer brings the new one, and says whose it is. Requests that nobody asked for say so: they keep no session alive.
on('htmx:configRequest', event => {
  const { verb, headers, triggeringEvent } = event.detail;
  if (verb !== 'get') headers['X-CSRFToken'] = $('meta[name=csrf-token]').content;
  if (triggeringEvent && unattended(triggeringEvent.type)) headers['X-Unattended'] = 'true';
});
on('token', event => {
  if ((event.detail.person || '') !== (document.body.dataset.person || '')) return;  // somebody else's: nothing of this page is theirs to send
  $('meta[name=csrf-token]').content = event.detail.value;
  $$('input[name=csrfmiddlewaretoken]').forEach(field => { field.value = event.detail.value; });
  $$('[data-save-state]').forEach(node => htmx.trigger(node, 'retry'));
});

// --- what only makes sense with script, and what only without -----------------------------------------------------
function enhance(from = document) {
  $$('[data-js-only]', from).forEach(node => { node.hidden = false; });
  $$('[data-js-hide]', from).forEach(node => { node.hidden = true; });
  freshen(from);
}

// --- theme: the server renders it from a cookie; here it changes without a round trip -------------------------------
on('submit', event => {
  const chosen = event.target.matches('[data-themes]') && event.submitter && event.submitter.value;
  if (!chosen) return;
  event.preventDefault();
  if (chosen === 'system') root.removeAttribute('data-theme'); else root.dataset.theme = chosen;
  const closed = location.protocol === 'https:';
  document.cookie = `${closed ? '__Host-' : ''}theme=${chosen};path=/;max-age=31536000;samesite=lax${closed ? ';secure' : ''}`;
  $$('[data-themes] button').forEach(button => button.setAttribute('aria-pressed', button.value === chosen));
});

// --- clicks ------------------------------------------------------------------------------------------------------
const CLICKS = {
  open: (node, event) => { const box = document.getElementById(node.dataset.open); if (!box) return; event.preventDefault(); show(box); },
  close: node => { const box = node.closest('dialog'); if (box) box.close(); const note = node.closest('.toast'); if (note) note.remove(); },
  copy: node => copyText(node.dataset.copy),
  print: () => window.print(),
  back: () => history.back(),
  wrap: node => wrap(document.getElementById(node.dataset.md), node.dataset.wrap),
  href: node => { location.href = node.dataset.href; },
};
on('click', event => {
  if (event.target.matches('dialog[open]')) { event.target.close(); return; }
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  for (const [name, act] of Object.entries(CLICKS)) {
    const node = event.target.closest(`[data-${name}]`);
    if (node) { act(node, event); return; }
  }
});
function show(box) { if (!box.open) box.showModal(); if (box.id === 'palette') openPalette(); }
async function copyText(text) {
  try { await navigator.clipboard.writeText(text); toast('Copied'); } catch { toast('The browser did not allow copying. Select the text instead.', 'bad'); }
}
function wrap(area, mark) {
  const [start, end] = [area.selectionStart, area.selectionEnd];
  area.setRangeText(mark + area.value.slice(start, end) + mark, start, end, 'end');
  area.focus(); area.dispatchEvent(new Event('input', { bubbles: true }));
}

// --- toasts: they arrive as HX-Trigger {"toast": {...}}; problems stay until dismissed ------------------------------
function toast(text, tone = 'ok', link = null) {
  const note = document.createElement('div'); note.className = 'toast'; note.dataset.tone = tone;
  const words = document.createElement('p'); words.textContent = text;
  const button = document.createElement('button'); button.type = 'button'; button.dataset.close = ''; button.className = 'btn btn-quiet btn-sm'; button.textContent = 'Dismiss';
  $$('#toasts .toast').forEach(old => { if (old.firstElementChild.textContent === text) old.remove(); });
  note.append(words, ...(link ? [link.content.cloneNode(true)] : []), button); $('#toasts').append(note); expire(note);
}
function expire(note) {
  if (note.dataset.tone === 'bad') return;
  setTimeout(() => { if (note.matches(':hover,:focus-within')) expire(note); else note.remove(); }, 8000);
}
const say = words => { const line = $('#say'); if (line) line.textContent = words; };
on('toast', event => { if (!quiet(event.target)) toast(event.detail.text, event.detail.tone); });

// --- answers that are not 200: forms with problems, refusals, lost races --------------------------------------------
// What asks by itself while somebody types (data-quiet) says its problems in its own place, and never moves the page.
const SHOWN = [400, 401, 403, 404, 409, 413, 422, 429];
const told = xhr => xhr.status === 422 || ![null, '#problem'].includes(xhr.getResponseHeader('HX-Retarget'));
const quiet = node => node && node.matches && node.matches('[data-quiet]');
on('htmx:beforeSwap', event => {
  const { xhr, requestConfig } = event.detail;
  if (quiet(requestConfig.elt) && xhr.status >= 400 && !told(xhr)) { event.detail.shouldSwap = false; event.detail.isError = false; return; }
  if (!SHOWN.includes(xhr.status)) return;
  const ours = xhr.getResponseHeader('HX-Retarget') || xhr.status === 422;
  if (ours) { event.detail.shouldSwap = true; event.detail.isError = false; }
});
on('htmx:responseError', event => {
  const number = event.detail.xhr.getResponseHeader('X-Request-ID');
  toast(`That did not work (error ${event.detail.xhr.status}). Try again; if it happens twice, tell an administrator the reference ${number || 'and the time'}.`, 'bad');
});
on('htmx:sendError', event => { if (event.detail.requestConfig.verb !== 'get') toast('No connection. Your text is still here; try again in a moment.', 'bad'); });
on('htmx:afterSettle', event => { enhance(event.detail.target); const first = $('[data-autofocus]', event.detail.target); if (first) first.focus(); });

on('allauth.error', event => {
  event.preventDefault();
  const numbers = event.detail.exception.name === 'SecurityError';  // browsers know no passkeys for bare IP addresses
  toast(numbers ? 'Passkeys need an address with a name, not with numbers: open this page at localhost or at the portal’s own name.'
    : 'The passkey or security key did not work, or you cancelled. Nothing was changed.', 'bad');
});

// --- command palette: a combobox whose list the server fills --------------------------------------------------------
let chosen = -1;
const options = () => $$('#palette [role=option]:not([aria-disabled])');
function openPalette() { const box = $('#palette input'); box.value = ''; chosen = 0; htmx.trigger(box, 'search'); box.focus(); }
function mark() {
  const list = options(), now = list[chosen];
  list.forEach((node, index) => node.setAttribute('aria-selected', index === chosen));
  $('#palette input').setAttribute('aria-activedescendant', now ? now.id : '');
  if (now) now.scrollIntoView({ block: 'nearest' });
}
on('htmx:afterSwap', event => { if (event.detail.target.id === 'hits') { chosen = 0; mark(); } });
on('keydown', event => {
  if (!$('#palette') || !$('#palette').open) return;
  const list = options();
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault();
    if (list.length) { chosen = (chosen + (event.key === 'ArrowDown' ? 1 : -1) + list.length) % list.length; mark(); }
  }
  if (event.key === 'Enter' && list[chosen]) { event.preventDefault(); location.href = list[chosen].dataset.href; }
});

// --- shortcuts: single keys can be switched off (WCAG 2.1.4) and never fire while typing ----------------------------
let prefix = '';
const typing = node => node.matches('input,textarea,select,[contenteditable]');
function step(by) {
  const neighbour = $(by > 0 ? 'a[data-next]' : 'a[data-previous]');
  if (neighbour) { neighbour.click(); return; }
  const rows = $$('.row-link,[data-row]'), at = rows.indexOf(document.activeElement);
  const next = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
  if (next) next.focus();
}
const KEYS = {
  j: () => step(1), k: () => step(-1),
  o: () => { const row = document.activeElement; if (row && row.matches('.row-link,[data-row]')) row.click(); },
  '/': event => { event.preventDefault(); const box = $('main input[type=search]'); if (box) { box.focus(); box.select(); } else if ($('#palette')) show($('#palette')); },
  '?': () => { if ($('#keys')) show($('#keys')); },
  c: () => { if (document.body.dataset.propose) location.href = document.body.dataset.propose; },
};
function go(key) { const link = $(`[data-go="${CSS.escape(key)}"]`); if (link) location.href = link.href; }
on('keydown', event => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k' && $('#palette')) { event.preventDefault(); show($('#palette')); return; }
  if (event.key === 'ArrowDown' && event.target.matches('main input[type=search]')) { const row = $('.row-link,[data-row]'); if (row) { event.preventDefault(); row.focus(); } return; }
  if (root.dataset.keys === 'off' || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || $('dialog[open]')) return;
  if (prefix === 'g') { prefix = ''; go(event.key); return; }
  prefix = event.key === 'g' ? 'g' : '';
  if (KEYS[event.key]) KEYS[event.key](event);
});

// --- live: one stream a page, closed while the page is hidden; it carries names only, the page then asks -------------
const topics = (document.body.dataset.topics || '').trim();
const unattended = name => name === 'load' || name === 'retry' || name === 'portal:tick' || (name || '').startsWith('live:');
const SIGNED_OUT = 'You are signed out. Your text is still here.';
const RING_TOGETHER = 150, POLL = 20000;
let stream = null, wasOff = false, ended = false;
const waiting = new Map();
function ring(topic) {
  if (waiting.has(topic)) return;
  waiting.set(topic, setTimeout(() => { waiting.delete(topic); htmx.trigger(document.body, `live:${topic}`); }, RING_TOGETHER));
}
function marker(state) {
  root.dataset.stream = state;
  const words = { on: 'Live', off: 'Reconnecting, may be out of date', wait: 'Connecting' }[state];
  $$('[data-live]').forEach(node => { node.hidden = false; node.dataset.live = state; node.textContent = words; });
  if (state === 'off' && !wasOff) say('Live updates stopped. The page may be out of date.');
  if (state === 'on' && wasOff) { say('Live updates are back.'); htmx.trigger(document.body, 'portal:tick'); }
  wasOff = state === 'off';
}
function listen() {
  if (stream || ended || !topics || document.visibilityState !== 'visible') return;
  stream = new EventSource(`/live/?topics=${encodeURIComponent(topics)}`);
  stream.onopen = () => { if (performance.now() > 3000) htmx.trigger(document.body, 'portal:tick'); marker('on'); };
  stream.addEventListener('ended', () => { hush(); ended = true; marker('off'); htmx.trigger(document.body, 'portal:ended'); });
  stream.onerror = () => { marker('off'); if (stream && stream.readyState === EventSource.CLOSED) hush(); };
  topics.split(',').forEach(topic => stream.addEventListener(topic.trim(), () => ring(topic.trim())));
}
// A stream ends with its session, which also gets a new key when its person proves anew who they are: staying.js asks which it was.
on('portal:signed-out', () => { hush(); ended = true; marker('off'); toast(SIGNED_OUT, 'bad', $('#sign-in-link')); });
on('portal:listen', () => { ended = false; listen(); });
on('portal:signed-in', () => {
  ended = false; $('#problem').replaceChildren();
  $$('#toasts .toast').forEach(note => { if (note.firstElementChild.textContent === SIGNED_OUT) note.remove(); });
  htmx.trigger(document.body, 'portal:tick'); listen();
});
function hush() { if (stream) stream.close(); stream = null; }
on('visibilitychange', () => {
  if (document.visibilityState !== 'visible') { hush(); return; }
  htmx.trigger(document.body, 'portal:tick'); listen();
});
on('pagehide', hush, window);
on('pageshow', event => { if (event.persisted) listen(); }, window);
setInterval(() => {
  if (document.visibilityState !== 'visible' || root.dataset.stream === 'on') return;
  htmx.trigger(document.body, 'portal:tick'); listen();
}, POLL);

// --- drafts: saved states in words, a warning before text is lost ---------------------------------------------------
// An element with data-save-state keeps the form of its hx-include on the server. Once that is confirmed and nothing was typed
// meanwhile, leaving loses nothing and is not warned about. What fails is said, and tried again while the page is open.
const RETRY = 10000;
const WHY = { 401: 'you are signed out. Sign in again', 403: 'this page is no longer signed in as before', 413: 'it is too large', 429: 'too many at once' };
const guarded = node => node && node.matches && node.matches('form[data-guard]');
const saver = event => { const node = event.detail.elt; return node && node.dataset && node.dataset.saveState ? node : null; };
const kept = node => $(node.getAttribute('hx-include'));
function notSaved(node, why) {
  document.getElementById(node.dataset.saveState).textContent = `Not saved: ${why}. Your text is still on this page.`;
  toast(`Not saved: ${why}. Your text is still on this page.`, 'bad');
  clearTimeout(node.again); node.again = setTimeout(() => { if (kept(node).dataset.dirty) htmx.trigger(node, 'retry'); }, RETRY);
}
on('htmx:beforeRequest', event => {
  const node = saver(event);
  if (guarded(event.detail.elt)) event.detail.elt.sending = true;
  if (node && kept(node).sending) { event.preventDefault(); return; }
  if (node) { node.sent = kept(node).typed || 0; document.getElementById(node.dataset.saveState).textContent = 'Saving…'; }
});
on('htmx:sendError', event => {
  if (guarded(event.detail.elt)) { event.detail.elt.dataset.dirty = '1'; event.detail.elt.sending = false; }
  if (saver(event)) notSaved(saver(event), 'no connection');
});
on('htmx:afterRequest', event => {
  const { elt, xhr } = event.detail, node = saver(event);
  if (node && xhr.status >= 400 && !told(xhr)) notSaved(node, WHY[xhr.status] || `error ${xhr.status}`);
  if (node && xhr.status === 200 && node.sent === (kept(node).typed || 0)) delete kept(node).dataset.dirty;
  if (guarded(elt) && !xhr.getResponseHeader('HX-Redirect')) { elt.dataset.dirty = '1'; elt.sending = false; }
});
on('input', event => { const form = event.target.closest('form[data-guard]'); if (form) { form.dataset.dirty = '1'; form.typed = (form.typed || 0) + 1; } });
on('submit', event => { delete event.target.dataset.dirty; });
on('beforeunload', event => { if ($('form[data-guard][data-dirty]')) event.preventDefault(); }, window);

// --- times: the words stay fresh; the clock is the server's, moved on by the time this page has been open ------------
const served = Date.parse(root.dataset.now || '') || Date.now();
const UNITS = [['d', 86400], ['h', 3600], ['min', 60]];
function freshen(from = document) {
  const now = (served + performance.now()) / 1000;
  $$('time[datetime][data-abs]', from).forEach(node => {
    const off = Date.parse(node.dateTime) / 1000 - now, size = Math.abs(off);
    if (size >= 60 * 86400) return;
    const unit = UNITS.find(([, length]) => size >= length);
    const words = unit ? `${Math.floor(size / unit[1])} ${unit[0]}` : 'now';
    const text = !unit ? 'now' : off > 0 ? `in ${words}` : `${words} ago`;
    if (node.textContent !== text) node.textContent = text;
  });
}
setInterval(freshen, 30000);
function tick() {
  const now = Math.floor((served + performance.now()) / 1000);
  $$('time[data-since]').forEach(node => {
    let left = Math.max(now - Date.parse(node.dateTime) / 1000, 0);
    const parts = [...UNITS, ['s', 1]].flatMap(([unit, length]) => { const many = Math.floor(left / length); left %= length; return many ? [`${many} ${unit}`] : []; });
    node.textContent = parts.slice(0, 2).join(' ') || '0 s';
  });
}
setInterval(tick, 1000);

on('DOMContentLoaded', () => {
  enhance(); listen();
  $$('.tabs [aria-current]').forEach(tab => { const bar = tab.parentElement; bar.scrollLeft = tab.offsetLeft + tab.offsetWidth - bar.offsetLeft - bar.clientWidth; });
  $$('#toasts .toast').forEach(expire);
  const problem = $('[data-autofocus]'); if (problem) problem.focus();
});
})();
