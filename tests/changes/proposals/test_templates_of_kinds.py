"""Templates by kind: they fill what is empty, and never replace what somebody wrote unless asked to."""

import pytest

from changes.proposals.models import Kind
from changes.proposals.sections import SECTIONS
from changes.proposals.templates_of_kinds import TEMPLATES, Filled, fill, hint_for, is_untouched

DATABASE = TEMPLATES["database"].texts
SECRETS = TEMPLATES["secrets"].texts


def test_every_kind_has_a_template_about_sections_that_exist():
    assert set(TEMPLATES) == set(Kind.values)
    for template in TEMPLATES.values():
        assert set(template.texts) | set(template.hints) <= set(SECTIONS)
        assert {"what", "tested", "rollback"} <= set(template.texts)


def test_an_empty_form_gets_the_headings():
    assert fill("database", {"title": "Index orders", "what": " \n"}) == Filled({"title": "Index orders", **DATABASE}, ())


def test_words_that_somebody_wrote_stay_and_are_named():
    filled = fill("database", {"what": "One index.", "rollback": "Drop it."})

    assert filled.texts == {**DATABASE, "what": "One index.", "rollback": "Drop it."}
    assert filled.kept == ("what", "rollback")


def test_asked_to_the_headings_go_below_or_replace_the_words():
    below = fill("database", {"what": "One index."}, below=True)
    over = fill("database", {"what": "One index."}, over=True)

    assert below.texts["what"] == f"One index.\n\n{DATABASE['what']}"
    assert over.texts["what"] == DATABASE["what"]
    assert below.kept == over.kept == ()
    assert fill("database", below.texts, below=True).texts == below.texts
    assert fill("database", below.texts).kept == ()


def test_another_kind_replaces_headings_that_nobody_touched():
    before = fill("database", {"why": "Slow."}).texts

    after = fill("secrets", {**before, "what": before["what"].replace("\n", "\r\n")}).texts

    assert after == {**SECRETS, "why": "Slow.", "snapshot": ""}
    assert fill("", after).texts == dict.fromkeys(after, "") | {"why": "Slow."}


@pytest.mark.parametrize(
    ("text", "untouched"),
    [
        ("", True),
        (" \n\n", True),
        (DATABASE["what"], True),
        (DATABASE["what"] + "\nOne.", False),
        ("### Tables and columns", False),
    ],
)
def test_headings_alone_are_no_text(text, untouched):
    assert is_untouched("what", text) is untouched


def test_hints_follow_the_kind():
    assert "Never write a value" in hint_for("secrets", "what")
    assert hint_for("secrets", "title") == hint_for("", "what") == hint_for("nonsense", "what") == ""
