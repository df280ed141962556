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
SCHEMES = ("https://", "http://", "mailto:")
LONGEST = 100_000
"""Characters that are rendered; what is longer is shown as plain text, because nesting costs more than its length."""

DEEPEST = 20
"""Levels of lists and quotes. The parser would drop what lies deeper, and an approver must see every word."""

_parser = MarkdownIt("js-default", {"html": False, "linkify": False, "typographer": False, "maxNesting": DEEPEST})


def _picture(renderer: object, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    """A picture is shown as its description in words."""
    return f"<em>(picture: {escape(tokens[index].content or 'no description')})</em>"


def _absolute(tag: str, name: str, value: str) -> str | None:
    """A link names its site: what is relative in somebody's repository would lead somewhere else here."""
    return value if name != "href" or value.lower().startswith(SCHEMES) else None


_parser.add_render_rule("image", _picture)
_cleaner = nh3.Cleaner(
    tags=BLOCKS | WORDS | TABLES,
    attributes=ATTRIBUTES,
    url_schemes={"https", "http", "mailto"},
    attribute_filter=_absolute,
    link_rel="noopener noreferrer nofollow",
    generic_attribute_prefixes=set(),
    strip_comments=True,
)


def render(text: str) -> SafeString:
    """Safe HTML of a markdown text. Hidden and direction characters are shown by their code."""
    tokens = _parser.parse(revealed(text)) if len(text) <= LONGEST else []
    if not text.isspace() and (not tokens or max(token.level for token in tokens) >= DEEPEST - 1):
        return SafeString(f'<p class="rawtext">{visible(text)}</p>' if text else "")
    return SafeString(_cleaner.clean(str(_parser.renderer.render(tokens, _parser.options, {}))))
