// Forms that send: the pressed button turns, all buttons of the form rest, and a second press sends nothing. Nothing is really disabled:
// that would lose the focus and the value of the pressed button. Everything comes back with the answer, when the page is shown again
// from the browser's memory, when somebody pressed Stop, and after PATIENCE without an answer. A form that says data-file is
// answered with a file while the page stays: it comes back after a moment, for no browser tells when a file has come.
(() => {
'use strict';
const on = (name, act, capture = false) => document.addEventListener(name, act, capture);
const PATIENCE = 30000, FILE = 3000, SAID_AFTER = 1000;
const LATE = 'There is no answer yet. Look whether it has arrived before you send it again.';
const under = new Map();  // form or button -> how it comes back
const handed = new Set(), leaving = new Set();  // forms given to the browser, and those for which it is on its way
const isPost = form => (form.getAttribute('method') || '').toLowerCase() === 'post';
const sends = node => node.matches('button:not([type=button],[type=reset]),input[type=submit],input[type=image]');
const buttonsOf = node => node.matches('form') ? [...node.elements].filter(sends) : [node];

function begin(node, pressed) {
  if (under.has(node)) return;
  const buttons = buttonsOf(node).filter(button => button.getAttribute('aria-disabled') !== 'true');
  const main = pressed && buttons.includes(pressed) ? pressed : buttons[0];
  buttons.forEach(button => button.setAttribute('aria-disabled', 'true'));
  if (main) main.setAttribute('aria-busy', 'true');
  const said = setTimeout(() => say('Sending'), SAID_AFTER);
  const file = node.matches('[data-file]');
  const late = setTimeout(() => { end(node); if (!file && node.isConnected) tell(LATE); }, file ? FILE : PATIENCE);
  under.set(node, () => {
    clearTimeout(said); clearTimeout(late);
    buttons.forEach(button => { button.removeAttribute('aria-disabled'); button.removeAttribute('aria-busy'); });
  });
}
function end(node) { const back = under.get(node); [under, handed, leaving].forEach(all => all.delete(node)); if (back) back(); }
const endAll = () => [...under.keys()].forEach(end);
function say(words) { const line = document.getElementById('say'); if (line) line.textContent = words; }
const tell = text => htmx.trigger(document.body, 'toast', { text, tone: 'warn' });

// A form that is under way sends nothing; so does a link or button that htmx sends by itself.
on('submit', event => { if (under.has(event.target)) { event.preventDefault(); event.stopImmediatePropagation(); } }, true);
on('click', event => {
  const button = event.target.closest('[aria-disabled=true]');
  if (button && under.has(button)) { event.preventDefault(); event.stopImmediatePropagation(); }
}, true);

// Sent by the browser. Last of all listeners, so that whoever sends in another way has said so.
window.addEventListener('submit', event => {
  if (event.defaultPrevented || !isPost(event.target) || event.target.hasAttribute('target')) return;
  begin(event.target, event.submitter);
  handed.add(event.target);
});
// Sent by htmx: forms and buttons, not what keeps drafts and draws previews while somebody types.
on('htmx:beforeSend', event => {
  const { requestConfig } = event.detail, { elt } = requestConfig;
  if (requestConfig.verb === 'get' || !elt.matches('form,button') || elt.matches('[data-quiet]')) return;
  begin(elt, requestConfig.triggeringEvent && requestConfig.triggeringEvent.submitter);
});
on('htmx:afterRequest', event => {
  const { xhr, requestConfig } = event.detail;
  if (!xhr.getResponseHeader('HX-Redirect') && !xhr.getResponseHeader('HX-Refresh')) end(requestConfig.elt);
});
// Sent by a script of ours that fetches.
on('portal:sending', event => begin(event.target, event.detail && event.detail.pressed));
on('portal:sent', event => end(event.target));

window.addEventListener('pageshow', event => { if (event.persisted) endAll(); });
// The browser went nowhere after all: somebody pressed Stop. After a file it counts as on its way until it sets out again, and says
// only then that it did not arrive; so what was just handed over is not meant until it has set out for it.
if (window.navigation) {
  navigation.addEventListener('navigateerror', () => [...leaving].forEach(end));
  navigation.addEventListener('navigate', event => { if (event.formData) { handed.forEach(form => leaving.add(form)); handed.clear(); } });
}
})();
