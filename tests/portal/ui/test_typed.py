"""What looks like a secret is not taken into what is kept for good."""

import pytest

from changes.proposals.forms import ProposalForm
from changes.talk.forms import CommentForm
from portal.forms_of_secrets import FORMS, kind_in
from tests.architecture.test_secrets import GIVEN_OUT


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
