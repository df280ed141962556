"""Markdown that people write, as HTML that is safe to show (threats T6 and T6b of the design papers).

Two locks, one behind the other: markdown-it in its ``js-default`` preset treats HTML as text; nh3 then keeps only the
tags, attributes and schemes listed here. Pictures are dropped: they would tell a stranger who reads what. Attributes of
htmx never survive, because nh3 keeps none that is not listed; a test pins that.
"""

from collections.abc import Sequence

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from portal.ui.text import revealed, visible

BLOCKS = {"p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "pre", "blockquote"}
WORDS = {"strong", "em", "s", "code", "a"}
TABLES = {"table", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = frozenset({"https", "http", "mailto"})
LONGEST = 100_000
"""Characters that are rendered; what is longer is shown as plain text, because nesting costs more than its length."""

_parser = MarkdownIt("js-default", {"html": False, "linkify": False, "typographer": False, "maxNesting": 20})


def _picture(renderer: object, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    """A picture is shown as its description in words."""
    return f"<em>(picture: {escape(tokens[index].content or 'no description')})</em>"


_parser.add_render_rule("image", _picture)
_cleaner = nh3.Cleaner(
    tags=BLOCKS | WORDS | TABLES,
    attributes=ATTRIBUTES,
    url_schemes=set(SCHEMES),
    link_rel="noopener noreferrer nofollow",
    generic_attribute_prefixes=set(),
    strip_comments=True,
)


def render(text: str) -> SafeString:
    """Safe HTML of a markdown text. Hidden and direction characters are shown by their code."""
    if len(text) > LONGEST:
        return SafeString(f'<p class="rawtext">{visible(text)}</p>')
    return SafeString(_cleaner.clean(_parser.render(revealed(text))))
