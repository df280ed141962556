"""What looks like a secret is not taken into what is kept for good."""

from importlib import import_module
from pkgutil import walk_packages

import pytest
from django import forms

import audits
import changes
import portal
from changes.proposals.forms import ProposalForm
from changes.talk.forms import CommentForm
from portal.forms_of_secrets import FORMS, kind_in
from portal.typed import no_secret
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


def test_every_longer_text_that_somebody_types_is_looked_at():
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
    }

    assert len(longer) > 50, "the forms are not found any more"
    assert {name for name, field in longer.items() if no_secret not in field.validators} == {"portal.ui.specimens.Sample.rollback"}


def _all(kind):
    for form in kind.__subclasses__():
        yield form
        yield from _all(form)
