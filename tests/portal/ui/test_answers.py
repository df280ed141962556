"""What an action made of a form: a result, or the form again with what is wrong."""

import pytest
from django import forms

from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui.answers import done, status_of


class Named(forms.Form):
    name = forms.CharField()


@pytest.mark.parametrize(
    ("problem", "words"),
    [(Refused(Clause.AUDITED, "No.", "Ask."), "No. Ask."), (Stale("Somebody was faster."), "Somebody was faster.")],
)
def test_a_refusal_stands_in_the_form(problem, words):
    def act():
        raise problem

    form = Named({"name": "x"})

    assert done(form, act) is None
    assert (list(form.non_field_errors()), status_of(form)) == ([words], 422)


@pytest.mark.parametrize(("given", "made", "status"), [({"name": "x"}, "made", 422), ({"name": ""}, None, 422), (None, None, 200)])
def test_nothing_is_done_with_a_form_that_was_not_sent_or_has_mistakes(given, made, status):
    acted = []
    form = Named(given)

    assert done(form, lambda: acted.append(1) or "made") == made
    assert (len(acted), status_of(form)) == (1 if made else 0, status)
    assert status_of(None) == 200
