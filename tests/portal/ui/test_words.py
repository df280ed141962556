"""Other people's text: markdown that stays inert, characters that hide or turn text (T6, T6b, T7)."""

from html.parser import HTMLParser

import pytest

from portal.ui.markdown import BLOCKS, LONGEST, TABLES, WORDS, render
from portal.ui.text import is_hidden, revealed, visible

ATTACKS = [
    "<script>pwn()</script>",
    "<img src=x onerror=pwn()>",
    "![x](javascript:pwn())",
    "![x](https://evil.example/track.png)",
    "[x](javascript:pwn())",
    "[x](data:text/html;base64,PHNjcmlwdD5wd24oKTwvc2NyaXB0Pg==)",
    "[x](vbscript:pwn())",
    "[x](JaVaScRiPt&colon;pwn())",
    "[x]( \x01javascript:pwn())",
    '[x](https://ok.example "onmouseover=pwn()")',
    "<a href='javascript:pwn()'>x</a>",
    "<svg onload=pwn()><a xlink:href='javascript:pwn()'>x</a></svg>",
    "<iframe srcdoc='<script>pwn()</script>'></iframe>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=pwn()>",
    "<button hx-post='/changes/1/approve/' hx-trigger='load'>x</button>",
    "<div data-hx-post='/changes/1/approve/' data-hx-trigger='load'></div>",
    "<form action=/theme/ method=post><input name=theme></form>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href='https://evil.example/'>",
    "<style>body{display:none}</style>",
    "```html\n<script>pwn()</script>\n```",
    "| <img src=x onerror=pwn()> | b |\n|---|---|\n| c | d |",
    "<!--<img src=--><img src=x onerror=pwn()//>",
]
ALLOWED = {"a": {"href", "title", "rel"}, "ol": {"start"}}


class Seen(HTMLParser):
    """Every tag and attribute of a piece of HTML, as a browser would read them."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.links = set(), set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {(tag, name) for name, _ in attrs}
        self.links += [value for name, value in attrs if name == "href"]


@pytest.mark.parametrize("text", ATTACKS)
def test_markdown_of_an_attacker_comes_out_inert(text):
    seen = Seen()

    seen.feed(render(text))

    assert seen.tags <= BLOCKS | WORDS | TABLES
    assert all(name in ALLOWED.get(tag, set()) for tag, name in seen.attributes)
    assert all(link.startswith(("https://", "http://", "mailto:")) for link in seen.links)


def test_markdown_keeps_what_people_need():
    drawn = render("**bold** `code`\n\n- one\n- two\n\n[runbook](https://northwind.example/r)")

    assert "<strong>bold</strong> <code>code</code>" in drawn
    assert drawn.count("<li>") == 2
    assert '<a href="https://northwind.example/r" rel="noopener noreferrer nofollow">runbook</a>' in drawn


def test_a_picture_is_told_in_words_and_never_fetched():
    drawn = render("![the graph](https://evil.example/g.png)")

    assert drawn.strip() == "<p><em>(picture: the graph)</em></p>"


def test_a_very_long_text_is_shown_as_it_is():
    assert render("*" * (LONGEST + 1)).startswith('<p class="rawtext">***')


def test_text_that_is_nested_too_deep_is_shown_as_it_is_and_not_lost():
    drawn = render("> " * 3000 + "deep")

    assert drawn.startswith('<p class="rawtext">')
    assert "deep" in drawn


@pytest.mark.parametrize(
    "char", ["\u202e", "\u2066", "\u2069", "\u200b", "\u200f", "\x00", "\x1b", "\ufeff", "\u2028", "\u3164", "\U000e0041"]
)
def test_hidden_characters_are_shown_by_their_code(char):
    drawn = visible(f"invoice{char}gnp.exe")

    assert char not in drawn
    assert f">U+{ord(char):04X}<" in drawn
    assert drawn.startswith("<bdi>")
    assert revealed(f"a{char}") == f"a«U+{ord(char):04X}»"


@pytest.mark.parametrize("text", ["plain", "naïve Ånn", "日本語", "שלום", "👩‍👩‍👧", "two\nlines\tand tab"])
def test_ordinary_text_of_all_scripts_stays_as_it_is(text):
    assert not any(is_hidden(char) for char in text)
    assert visible(text).replace("<bdi>", "").replace("</bdi>", "") == text


def test_visible_text_is_escaped():
    assert visible("<b>&") == "&lt;b&gt;&amp;"
    assert visible("<b>ä") == "<bdi>&lt;b&gt;ä</bdi>"


def test_markdown_shows_hidden_characters_too():
    assert "«U+202E»" in render("invoice\u202egnp.exe")
