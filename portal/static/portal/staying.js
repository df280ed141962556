// The session of an open page: a warning before it ends, a way to stay, and signing in again beside what was typed.
// The sign-in itself is the server's: its own forms, fetched into a dialog, or opened in a small window where a dialog cannot do it.
(() => {
'use strict';
const body = document.body, $ = (selector, from = document) => from.querySelector(selector);
const mine = body.dataset.person;
const channel = 'BroadcastChannel' in window ? new BroadcastChannel('session') : null;
if (!mine) return;
if (channel) channel.postMessage('here');
if ('here' in body.dataset) { window.close(); return; }

const SESSION = '/account/session/', PROVE = '/account/reauthenticate/?next=/account/here/', SIGN_IN = '/account/login/?next=/account/here/', WINDOW = 'countersign-sign-in';
const WARN = 120, PRESENT = 60000, LOOK = 5000;
const again = $('#again'), ending = $('#ending'), place = $('[data-sign-in]');
if (!again) return;
let ends = Date.now() + 1000 * body.dataset.left, idle = 'idle' in body.dataset, over = false, warned = false, touched = 0, held = null;
const tell = (text, tone) => htmx.trigger(body, 'toast', { text, tone });
const left = () => Math.ceil((ends - Date.now()) / 1000);

// --- asking: unattended unless somebody acts, so that asking alone keeps no session alive ---------------------------
// `form`: one that is to be sent by `pressed`; then the answer also says whether it needs a fresh proof of who sends it.
let unproven = false;
async function ask(present, form = null, pressed = null) {
  const headers = present ? {} : { 'X-Unattended': 'true' };
  const goal = form && (pressed && pressed.getAttribute('formaction') || form.getAttribute('action') || '');
  const about = form ? `?for=${encodeURIComponent(new URL(goal, location.href).pathname)}` : '';
  const answer = await fetch(SESSION + about, { headers, cache: 'no-store' });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return settle(await answer.json());
}
function settle(told) {
  if (told.person === null) { out(); return false; }
  if (told.person !== mine) { somebodyElse(); return false; }
  ends = Date.now() + 1000 * told.left; idle = told.idle; unproven = told.prove;
  $('meta[name=csrf-token]').content = told.token;
  document.querySelectorAll('input[name=csrfmiddlewaretoken]').forEach(field => { field.value = told.token; });
  if (left() > WARN) { warned = false; if (ending.open) ending.close('stayed'); }
  if (over) back(told.token);
  return true;
}

// --- the warning: WCAG 2.2.1 asks for twenty seconds and one simple action; it has two minutes ------------------------
// Whoever types or points is there, and is not warned. A machine that slept asks as soon as somebody looks at the page.
['keydown', 'pointerdown'].forEach(name => document.addEventListener(name, event => { if (event.isTrusted) touched = Date.now(); }, true));
let looking = false;
async function look() {
  if (looking || document.visibilityState !== 'visible' || over) return;
  if (left() > WARN || (warned && left() > 0)) return;
  looking = true;
  try {
    const present = idle && left() > 0 && Date.now() - touched < PRESENT;
    if (await ask(present) && left() <= WARN && !warned) warn();
  } catch { /* no connection: asked again at the next look */ } finally { looking = false; }
}
function warn() { warned = true; count(); if (!again.open) ending.showModal(); }
function count() {
  const now = Math.max(0, left()), words = `${Math.floor(now / 60)} min ${now % 60} s`;
  $('[data-count]').textContent = words;
  if ([60, 20].includes(now)) $('[data-count-said]').textContent = `Your session ends in ${words}.`;
}
ending.addEventListener('close', () => { if (idle && !over && ending.returnValue !== 'stayed') ask(true).catch(() => { warned = false; }); ending.returnValue = ''; });
setInterval(() => { if (ending.open) count(); if (ending.open && left() <= 0) look(); }, 1000);
setInterval(look, LOOK);
const woken = () => { if (over) ask(false).catch(() => {}); else look(); };
document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') woken(); });
window.addEventListener('focus', woken);
window.addEventListener('pageshow', woken);
if (channel) channel.onmessage = () => { if (over) ask(false).catch(() => {}); else if (held) goOn().catch(unreachable); };

// --- signed out: said where nobody is interrupted; the dialog opens for whoever presses, sends, or was being warned --------
document.addEventListener('portal:signed-out', () => { over = true; });
document.addEventListener('portal:ended', () => ask(false).then(standing => { if (standing) htmx.trigger(body, 'portal:listen'); }).catch(out));
function out() {
  if (over) return;
  const warning = ending.open;
  htmx.trigger(body, 'portal:signed-out');
  if (warning) { ending.close('stayed'); open(); }
}
function somebodyElse() {
  over = true;
  say('Somebody else is signed in here now', 'In this browser another person has signed in. What stands on this page was not sent, and is not sent for them. Copy what you need, then load the page anew.');
  if (ending.open) ending.close('stayed');
  if (!again.open) again.showModal();
}
function back(value) {
  over = false;
  if (!held && again.open) again.close();
  htmx.trigger(body, 'token', { value, person: mine });
  htmx.trigger(body, 'portal:signed-in');
  tell('You are signed in again. Go on where you were.', 'ok');
  if (held) goOn().catch(unreachable);
}
// What was held is sent, once it is certain who sends it and that the proof of it is fresh enough for this form.
async function goOn() {
  const [form, pressed] = held;
  if (!await ask(true, form, pressed)) return;
  if (!held) return;
  if (unproven) { heading('prove'); if (!again.open) again.showModal(); await show(fetch(PROVE)); return; }
  held = null;
  if (again.open) again.close();
  send(form, pressed);
}
again.addEventListener('close', () => { held = null; place.replaceChildren(); });
function heading(name) {
  ['out', 'prove'].forEach(one => again.querySelectorAll(`[data-${one}]`).forEach(node => { node.hidden = one !== name; }));
}

// --- the dialog -----------------------------------------------------------------------------------------------------
function open() { heading('out'); if (!again.open) again.showModal(); ask(true).then(standing => { if (!standing && over) return show(fetch(SIGN_IN)); }).catch(unreachable); }
async function show(asked) {
  try { take(await asked); } catch { unreachable(); }
}
function unreachable() { say('No connection', 'The sign-in form could not be fetched. What you typed is still here; try again in a moment.'); }
function say(title, words) {
  const [head, text] = [document.createElement('h2'), document.createElement('p')];
  head.textContent = title; text.textContent = words; place.replaceChildren(head, text);
}
async function take(answer) {
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  if (page.body.dataset.person) { if (over || !held) await ask(true); else await goOn(); return; }
  const main = $('main', page);
  if (!main) { unreachable(); return; }
  main.querySelectorAll('script,[data-js-only],#problem,.nav-brand,#mfa_login,#webauthn_form,form:has(#mfa_webauthn_reauthenticate)').forEach(node => node.remove());
  main.querySelectorAll('a[href="/"]').forEach(node => node.remove());
  place.replaceChildren(...main.children);
  if (!$('form', place)) byKey(answer.url);
  const login = $('[name=login]', place);
  if (login) $('h1', place).parentElement.remove();  // the dialog says it already
  lower();
  const problem = $('[data-autofocus]', place);
  if (login && !login.value) login.value = place.dataset.login;
  const first = problem || [...place.querySelectorAll('input:not([type=hidden])')].find(field => !field.value);
  if (first) first.focus();
}
// The page below has its h1 already: in the dialog every heading is one level lower.
function lower() {
  place.querySelectorAll('h1,h2').forEach(head => {
    const lesser = document.createElement(head.matches('h1') ? 'h2' : 'h3');
    [...head.attributes].forEach(one => lesser.setAttribute(one.name, one.value));
    lesser.append(...head.childNodes); head.replaceWith(lesser);
  });
}
// A passkey or security key wants more than a form: its page opens in a window.
function byKey(address) {
  const link = document.createElement('a');
  link.className = 'btn btn-primary btn-wide'; link.href = address; link.textContent = 'Go on in a small window'; place.append(link);
}
function inWindow(address) { return window.open(address, WINDOW, 'popup,width=480,height=760'); }
document.addEventListener('click', event => {
  if (event.target.closest('[data-open=again]')) { over = true; open(); }
  const link = event.target.closest('[data-window],[data-sign-in] a');
  if (link && inWindow(link.href)) event.preventDefault();
});
place.addEventListener('submit', event => {
  const form = event.target;
  const address = form.getAttribute('action');
  if (address.includes('/sign-in/')) { form.target = WINDOW; inWindow(''); return; }
  event.preventDefault();
  htmx.trigger(form, 'portal:sending', { pressed: event.submitter });
  const asked = fetch(address, { method: 'POST', body: new FormData(form, event.submitter) });
  show(asked.finally(() => htmx.trigger(form, 'portal:sent')));
});

// --- nothing typed is lost: a form that the browser sends is held until it is certain that somebody is signed in -------
// htmx stays on the page, so it asks afterwards: what was refused because nobody is signed in opens the dialog.
document.addEventListener('htmx:afterRequest', event => {
  const { xhr, elt, requestConfig } = event.detail;
  if (xhr.status !== 401 || requestConfig.verb === 'get' || requestConfig.headers['X-Unattended'] || elt.matches('[data-quiet]')) return;
  over = true; open();
});
function typed(field) {
  if (field.matches('[type=checkbox],[type=radio]')) return field.checked !== field.defaultChecked;
  if (field.matches('select')) return [...field.options].some(option => option.selected !== option.defaultSelected);
  return field.matches('[type=file]') ? field.files.length > 0 : field.matches('textarea,input:not([type=hidden])') && field.value !== field.defaultValue;
}
const plain = form => (form.getAttribute('method') || '').toLowerCase() === 'post' && !form.matches('[hx-post],[data-themes]') && !place.contains(form);
document.addEventListener('submit', event => {
  const form = event.target;
  if (event.defaultPrevented || form.certain || !plain(form) || !(over || [...form.elements].some(typed))) { form.certain = false; return; }
  event.preventDefault(); event.stopImmediatePropagation();
  hold(form, event.submitter);
}, true);
async function hold(form, pressed) {
  htmx.trigger(form, 'portal:sending', { pressed });
  held = [form, pressed];
  try {
    await goOn();
    if (!held) return;
    htmx.trigger(form, 'portal:sent');
    if (over) open();
  } catch {
    held = null; htmx.trigger(form, 'portal:sent');
    tell('No connection. Your text is still here; try again in a moment.', 'bad');
  }
}
function send(form, pressed) {
  htmx.trigger(form, 'portal:sent');
  form.certain = true;
  if (pressed && pressed.isConnected) form.requestSubmit(pressed); else form.requestSubmit();
}
})();
