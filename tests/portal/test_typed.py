"""What looks like a secret is not taken into what is kept for good."""

import re
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from django import forms

import audits
import changes
import portal
from changes.proposals.forms import ProposalForm
from changes.talk.forms import CommentForm
from portal.forms_of_secrets import FORMS, kind_in
from portal.policy.refusal import Refused
from portal.typed import kept, no_secret
from tests.architecture.test_secrets import GIVEN_OUT

WITH_FORMS = ("forms", "fields", "views")
"""Ends of the names of modules in which forms are made."""


@pytest.mark.parametrize("kind", FORMS)
def test_a_secret_of_each_kind_is_recognised_in_what_somebody_writes(kind):
    assert kind_in(text=f"Set it to {GIVEN_OUT[kind]} before the deploy.") == kind


@pytest.mark.parametrize(
    "text",
    [
        "Rename cs_" + "handle_incoming_deliveries",
        "See https://forge.example/acme/web/pull/7",
        "commit " + "a1b2c3d4" * 5,
        "dp.example.org",
    ],
)
def test_ordinary_words_are_no_secrets(text):
    assert kind_in(text=text) == ""


def test_proposals_and_comments_with_a_secret_are_refused_at_the_field():
    token = GIVEN_OUT["Doppler"]
    proposal = ProposalForm({"title": "Rotate", "what": f"The new one is {token}"})
    comment = CommentForm({"text": token})

    for form, name in ((proposal, "what"), (comment, "text")):
        [said] = form.errors[name]
        assert "looks like a secret (Doppler)" in said
        assert token not in said
    assert CommentForm({"text": "Rotated."}).is_valid()


def test_a_text_without_a_form_is_refused_with_its_kind_and_never_repeated(rf):
    token = GIVEN_OUT["Doppler"]

    with pytest.raises(Refused) as refused:
        kept(rf.post("/", {"reason": f"{'x' * 99} {token}"}), "reason", longest=50)

    assert (refused.value.clause, "looks like a secret (Doppler)" in refused.value.words) == ("P-13", True)
    assert token not in refused.value.words
    assert kept(rf.post("/", {"reason": "We use another."}), "reason", longest=6) == "We use"
    assert kept(rf.post("/"), "reason", longest=6) == ""


def test_no_view_reads_a_text_that_stays_on_record_past_the_look():
    straight = re.compile(r"""POST\.get\(["'](?:reason|note|text|words|why)["']""")
    found = {
        str(path)
        for whole in (audits, changes, portal)
        for path in Path(next(iter(whole.__path__))).rglob("*.py")
        if straight.search(path.read_text())
    }

    # There it is looked at inside the try that shows the refusal beside what was typed.
    assert {Path(path).name for path in found} == {"review_views.py"}


def test_every_longer_text_and_reason_that_somebody_types_is_looked_at():
    for whole in (audits, changes, portal):
        for module in walk_packages(whole.__path__, f"{whole.__name__}."):
            if module.name.endswith(WITH_FORMS):
                import_module(module.name)
    longer = {
        f"{form.__module__}.{form.__name__}.{name}": field
        for form in _all(forms.BaseForm)
        if form.__module__.startswith(("audits.", "changes.", "portal."))
        for name, field in getattr(form, "base_fields", {}).items()
        if isinstance(field.widget, forms.Textarea)
        or (name in ("reason", "note", "text", "subject") and type(field) is forms.CharField)
    }

    assert len(longer) > 50, "the forms are not found any more"
    assert {name for name, field in longer.items() if no_secret not in field.validators} == {
        "portal.ui.specimens.Sample.rollback",
        "changes.desk.meetings.live_forms.NoteForm.text",  # its view looks: the form has no page of its own
    }


def _all(kind):
    for form in kind.__subclasses__():
        yield form
        yield from _all(form)
