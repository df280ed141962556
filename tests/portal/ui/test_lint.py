"""The UI lint finds what it is there to find, and nothing in our own pages."""

import pytest

from portal.ui.lint import ROOT, STYLE, examine, examine_files, known_classes

KNOWN = known_classes(r".card{} .max-sm\:hidden{} .lg\:grid-cols-\[minmax\(0\,1fr\)_380px\]{}")

PLANTED = {
    '<p style="color:red">': "style attribute",
    "<style>p{}</style>": "style element",
    '<a onclick="go()">': "inline handler",
    "<script>go()</script>": "inline script",
    '<p hx-on:click="go()">': "hx-on needs eval",
    '<p data-hx-on="click: go()">': "hx-on needs eval",
    "<p hx-vals='js:{a: go()}'>": "js: needs eval",
    '<p hx-trigger="keyup[ctrlKey]">': "a filter in a trigger needs eval",
    "<p hx-swap='morph:{ignoreActive:true}'>": "morph configuration needs eval",
    '<rect fill="#c0281f"/>': "raw colour",
    '<p class="card dark:hidden">': "dark: variant; tokens follow the theme",
    '<a href="#">': "empty link",
    '<a href="">': "empty link",
    '<a href="javascript:go()">': "javascript: link",
    '<a target="_blank" href="/x">': "blank target without rel",
    '<script src="https://cdn.example/x.js"></script>': "file of another host",
    '<p class="card crad">': "unknown class",
    '{% card cls="crad" %}': "unknown class",
    '<p class="{% if a %}card{% else %}max-sm:hiden{% endif %}">': "unknown class",
}


@pytest.mark.parametrize(("markup", "why"), list(PLANTED.items()))
def test_lint_finds_what_is_planted(markup, why):
    found = [
        finding.what.split(": ")[0] if not why.startswith(("js", "dark", "javascript")) else finding.what
        for finding in examine(markup, file="x.html", known=KNOWN)
    ]

    assert any(what.startswith(why) for what in found), found


@pytest.mark.parametrize(
    "markup",
    [
        '<div class="card max-sm:hidden lg:grid-cols-[minmax(0,1fr)_380px]">',
        '<p class="{% if a %}card{% endif %}" data-tone="{{ tone }}">',
        '<script data-allauth-onload="x" type="application/json">{}</script>',
        '<script src="{% static "portal/portal.js" %}" defer></script>',
        '<a target="_blank" rel="noopener" href="/x">',
        '<a href="#main">',
        '<p hx-trigger="live:inbox from:body, portal:tick from:body">',
    ],
)
def test_lint_lets_good_markup_pass(markup):
    assert list(examine(markup, file="x.html", known=KNOWN)) == []


def test_our_pages_have_no_finding():
    assert STYLE.exists(), "run manage.py css"

    assert [str(finding) for finding in examine_files(ROOT, css=STYLE.read_text())] == []
