"""A pull request joins a change by a click: from the change's page, or from the change that the pull request opened."""

import re

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from changes.delivery.models import PullRequest
from changes.desk.answering import asked_for, back
from changes.proposals.joining import join, link_by_hand, named, offered, undecided
from changes.proposals.listing import visible
from changes.proposals.models import Change
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.scope import Scope, scope_for
from portal.access.signed_in import person_of
from portal.policy.refusal import Refused
from portal.ui.clock import time_of

NUMBER = re.compile(r"(?:CHG-)?([0-9]{1,15})", re.IGNORECASE)


class LinkForm(forms.Form):
    """One of the offered pull requests, or one that is named."""

    choice = forms.ChoiceField(label="Open pull requests", required=False, widget=forms.RadioSelect)
    name = forms.CharField(
        label="Or another one",
        required=False,
        max_length=500,
        help_text="Its address, or its name such as northwind/web#17.",
    )

    def __init__(self, *args: object, change: Change, rows: list[PullRequest], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # Django's own form arguments
        self.change = change
        self.found: PullRequest | None = None
        self.rows = {str(row.pk): row for row in rows}
        field = self.fields["choice"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(pk, str(row)) for pk, row in self.rows.items()]

    def clean(self) -> dict[str, object]:
        """Exactly one pull request; what is named wins over what is chosen."""
        given = super().clean() or {}
        text = str(given.get("name") or "").strip()
        if not text and not given.get("choice"):
            self.add_error("name", "Choose a pull request, or write its address")
        elif not text:
            self.found = self.rows[str(given["choice"])]
        else:
            self._look_up(text)
        return given

    def _look_up(self, text: str) -> None:
        rows = named(text, change=self.change)
        if len(rows) == 1:
            self.found = rows[0]
        elif rows:
            names = ", ".join(map(str, rows[:5]))
            self.add_error("name", f"Several have this number: {names}. Write the repository too, such as {rows[0]}")
        else:
            self.add_error("name", "No pull request of a repository in scope has this name or address")


class JoinForm(forms.Form):
    """The change that a pull request belongs to."""

    to = forms.CharField(
        label="Belongs to",
        max_length=40,
        help_text="The number of the change, such as CHG-1042.",
        error_messages={"required": "Write the number of the change"},
    )

    def __init__(self, *args: object, scope: Scope, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # Django's own form arguments
        self.scope = scope
        self.target: Change | None = None

    def clean_to(self) -> str:
        """A change that the reader may see."""
        text = str(self.cleaned_data["to"]).strip()
        match = NUMBER.fullmatch(text)
        self.target = visible(number=int(match[1]), scope=self.scope) if match else None
        if self.target is None:
            raise forms.ValidationError("There is no change with this number")
        return text


@requires(P.CHANGE_PROPOSE)
@require_http_methods(["GET", "POST"])
def link_pull_request(request: HttpRequest, number: int) -> HttpResponse:
    """Link a pull request to this change: one of the open ones, or one that is named."""
    change = asked_for(request, number)
    rows = offered(change=change)
    form = LinkForm(request.POST if request.method == "POST" else None, change=change, rows=rows)
    if form.is_valid() and form.found is not None:
        try:
            withdrawn = link_by_hand(change=change, pull_request=form.found, by=person_of(request), at=time_of(request))
        except Refused as problem:
            form.add_error(None, f"{problem.words} ({problem.clause})")
        else:
            gone = f"; {', '.join(map(str, withdrawn))}, which it had opened, is withdrawn" if withdrawn else ""
            return back(request, change, f"{form.found} is linked{gone}.")
    status = 422 if form.errors else 200
    return render(request, "changes/proposals/link.html", {"change": change, "form": form, "rows": rows}, status=status)


@requires(P.CHANGE_PROPOSE)
@require_http_methods(["GET", "POST"])
def join_change(request: HttpRequest, number: int) -> HttpResponse:
    """Let the pull requests of this change, which one of them opened, join another change; this one is then withdrawn."""
    change = asked_for(request, number)
    form = JoinForm(request.POST if request.method == "POST" else None, scope=scope_for(request))
    if form.is_valid() and form.target is not None:
        try:
            target = join(change=change, to=form.target, by=person_of(request), at=time_of(request))
        except Refused as problem:
            form.add_error(None, f"{problem.words} ({problem.clause})")
        else:
            return back(request, target, f"{change} joined {target} and is withdrawn.")
    context = {"change": change, "form": form, "why_not": undecided(change)}
    return render(request, "changes/proposals/join.html", context, status=422 if form.errors else 200)
