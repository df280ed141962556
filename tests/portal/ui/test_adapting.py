"""Pages as people set them up in their browser: larger text, forced colours, no motion."""

import pytest
from playwright.sync_api import expect

from tests.browser import overflow_of
from tests.portal.access.people import person

pytestmark = pytest.mark.browser

PAGES = ("/", "/help/", "/gallery/", "/me/", "/people/")
LARGE = {"fontSizes": {"standard": 32, "fixed": 26}}
"""What the browser's own setting for the size of text does: twice 16 pixels, and nothing else grows."""
CUT = """[...document.querySelectorAll('body *')].filter(node => {
  const style = getComputedStyle(node);
  if (!node.checkVisibility() || !node.textContent.trim()) return false;
  if (node.closest('.sr-only,.skip,.stack thead,svg,select,option')) return false;
  const across = style.overflowX !== 'visible' && style.overflowX !== 'auto' && style.overflowX !== 'scroll'
    && node.scrollWidth > node.clientWidth + 1 && style.textOverflow !== 'ellipsis';
  const down = (style.overflowY === 'hidden' || style.overflowY === 'clip') && node.scrollHeight > node.clientHeight + 1;
  return across || down;
}).map(node => node.outerHTML.slice(0, 140))"""
"""Elements that cut what is in them. Where an ellipsis stands instead, the whole is in the title or on the thing's own page."""
SMALL = """Math.min(...[...document.querySelectorAll('main *')].filter(node => node.checkVisibility()
  && !node.closest('.sr-only,svg') && [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim()))
  .map(node => parseFloat(getComputedStyle(node).fontSize)))"""
MOVES = """[...document.querySelectorAll('body *')].filter(node => ['', '::before', '::after'].some(part => {
  const style = getComputedStyle(node, part || null);
  const seconds = words => Math.max(...words.split(',').map(parseFloat));
  return style.animationName !== 'none' && seconds(style.animationDuration) > 0.001 || seconds(style.transitionDuration) > 0.001;
})).map(node => node.outerHTML.slice(0, 100))"""


def test_text_alone_at_twice_its_size_is_neither_cut_nor_wider_than_the_window(visit):
    page = visit("/", by=person("Mia", password="correct horse battery staple"))
    usual = {}
    for path in PAGES:
        page.goto(f"{visit.site}{path}")
        usual[path] = page.evaluate(SMALL)
    page.context.new_cdp_session(page).send("Page.setFontSizes", LARGE)
    page.set_viewport_size({"width": 1280, "height": 900})

    for path in PAGES:
        page.goto(f"{visit.site}{path}")
        assert page.evaluate(SMALL) >= 2 * usual[path], path
        assert overflow_of(page) <= 0, path
        assert page.evaluate(CUT) == [], path
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()
    assert overflow_of(page) <= 0


SHAPES = """name => {
  const style = (selector, part) => getComputedStyle(document.querySelector(selector), part || null);
  return {
    button: style('.btn').borderTopStyle + style('.btn').borderTopColor,
    badge: style('.badge').borderTopStyle,
    met: style('.gc-m').fill,
    bar: style('.bar-fg').fill,
    current: style('.nav-link[aria-current]').outlineStyle,
    busy: style('[aria-busy]', '::before').borderTopColor !== style('[aria-busy]', '::before').borderRightColor,
    ground: style('body').backgroundColor,
    ink: style('body').color,
  };
}"""


def test_forced_colours_leave_shapes_and_no_motion_leaves_nothing_turning(visit):
    page = visit("/gallery/", by=person("Ann"))

    page.emulate_media(forced_colors="active")
    seen = page.evaluate(SHAPES)
    assert seen["ground"] != seen["ink"]
    assert seen["button"].startswith("solid")
    assert seen["ground"] not in seen["button"]
    assert (seen["badge"], seen["current"], seen["busy"]) == ("solid", "solid", True)
    assert seen["met"] == seen["bar"] == seen["ink"], "what carries a state is drawn in the colour of text"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"

    page.emulate_media(forced_colors="none", reduced_motion="reduce")
    assert page.evaluate(MOVES) == []
    assert page.evaluate("document.getAnimations().filter(one => one.playState === 'running').length") == 0
    page.emulate_media(reduced_motion="no-preference")
    assert any("aria-busy" in node for node in page.evaluate(MOVES))
