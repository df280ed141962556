"""The page of the proposal form: what stands in it, the way beside it, and drafts that were not sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from changes.delivery.models import Environment, Release
from changes.desk.proposing.diffs import SectionDiff, differing
from changes.desk.proposing.route import Route, Typed, route_of
from changes.proposals import queries
from changes.proposals.drafts import NEW, draft_of, drafts_of, dropped_draft
from changes.proposals.forms import ANSWERS, CLASSES, FIELDS, ProposalForm, typed
from changes.proposals.lifecycle import State
from changes.proposals.material import rule_in_words
from changes.proposals.models import Change, Draft, Revision
from changes.proposals.sections import TEXT_FIELDS, texts_of
from changes.proposals.templates_of_kinds import TEMPLATES, fill
from portal.access.signed_in import person_of
from portal.numbers import number_in
from portal.policy.in_force import parameters_at
from portal.ui.answers import wants_piece
from portal.ui.clock import time_of

TEMPLATE = "changes/proposals/form.html"
PREVIEWED = 50_000
"""Characters of each text that are drawn while somebody types."""
RELEASES = 40
"""Known releases that are offered to go back to."""


@dataclass(frozen=True)
class Place:
    """Where the form stands: about a new change, or about the text of ``change``, whose newest is ``present``."""

    change: Change | None = None
    present: Revision | None = None

    @property
    def about(self) -> str:
        """What its drafts are about."""
        return str(self.change.number) if self.change else NEW

    @property
    def stands(self) -> Mapping[str, Any]:
        """The classes that were asked for and are not lowered by an edit any more."""
        if self.change is None or self.change.state == State.DRAFT:
            return {}
        return self.asked

    @property
    def asked(self) -> Mapping[str, Any]:
        """What the requester says about the classes, as it stands."""
        found: Mapping[str, Any] = self.change.reasons.get("asked", {}) if self.change else {}
        return found


def place_of(change: Change | None) -> Place:
    """The place of a change's form, or of a new one."""
    return Place(change, queries.current_revision(change) if change else None)


def opened_form(request: HttpRequest, place: Place) -> tuple[ProposalForm, dict[str, Any]]:
    """The form as it is opened: going on with a draft, with the template of a kind, or with the present text."""
    draft = _wanted_draft(request)
    if draft is not None:
        form = ProposalForm(initial={**draft.fields, "form_key": draft.form_key}, stands=place.stands)
        return form, {"going_on": draft, **_started_from(place, draft.fields.get("revision", ""))}
    initial = _present_values(place)
    kind = request.GET.get("kind", "")
    if place.change is None and kind in TEMPLATES:
        initial |= {**fill(kind, {}).texts, "kind": kind}
    return ProposalForm(initial=initial, stands=place.stands), {}


def _wanted_draft(request: HttpRequest) -> Draft | None:
    try:
        key = UUID(request.GET.get("draft", ""))
    except ValueError:
        return None
    return draft_of(person=person_of(request), form_key=key)


def _present_values(place: Place) -> dict[str, Any]:
    if place.present is None:
        return {}
    asked = place.asked
    answers = asked.get("answers") or {}
    said = {name: answers.get(question.code, "") for name, question in ANSWERS.items()}
    return {**texts_of(place.present), **{name: asked[name] for name in CLASSES if name in asked}, **said}


def form_as_typed(request: HttpRequest, place: Place, texts: Mapping[str, str] | None = None) -> ProposalForm:
    """The form with what was sent, without looking for mistakes: somebody only wanted to see something."""
    initial = {**typed(request.POST), **(texts or {}), "form_key": request.POST.get("form_key") or uuid4()}
    return ProposalForm(initial=initial, stands=place.stands)


def form_anew(request: HttpRequest, place: Place, *, submit: bool, problem: str) -> ProposalForm:
    """What was sent as a fresh form with a problem in words, so that it can be sent once more."""
    again: QueryDict = request.POST.copy()
    again["form_key"] = str(uuid4())
    form = ProposalForm(again, submit=submit, stands=place.stands)
    form.add_error(None, problem)
    return form


def show(request: HttpRequest, place: Place, form: ProposalForm, *, status: int = 200, **more: Any) -> HttpResponse:
    """The page, or for htmx the inside of its form."""
    context: dict[str, Any] = {
        "form": form,
        "change": place.change,
        "about": place.about,
        "seen": place.present.number if place.present else "",
        "releases": known_releases(place.change),
        "rule": rule_in_words() if place.change else "",
        **more,
    }
    if wants_piece(request):
        response = render(request, f"{TEMPLATE}#inside", context, status=status)
        response.headers["HX-Retarget"] = "#proposal"
        response.headers["HX-Reswap"] = "morph:innerHTML"
        return response
    given = {name: form[name].value() for name in FIELDS}
    mine = drafts_of(person=person_of(request), about=place.about)
    going_on = more.get("going_on")
    context |= {
        **previewed(given),
        "route": route_for(request, place, given),
        "drafts": [draft for draft in mine if going_on is None or draft.pk != going_on.pk] if request.method == "GET" else [],
        "dropped": dropped_draft(person=person_of(request), about=place.about, at=time_of(request))
        if request.method == "GET"
        else None,
    }
    return render(request, TEMPLATE, context, status=status)


def route_for(request: HttpRequest, place: Place, given: Mapping[str, Any]) -> Route:
    """The way of what stands in the form."""
    at = time_of(request)
    return route_of(Typed(given=given, by=person_of(request), at=at, parameters=parameters_at(at), change=place.change))


def previewed(given: Mapping[str, Any]) -> dict[str, Any]:
    """The texts as the preview draws them."""
    texts = {name: str(given.get(name) or "")[:PREVIEWED] for name in TEXT_FIELDS if name != "title"}
    return {"texts": texts, "empty": not any(map(str.strip, texts.values()))}


def known_releases(change: Change | None) -> list[str]:
    """Releases that ran in production, newest first: those of the change's repositories, or of all."""
    rows = Release.objects.filter(environment=Environment.PRODUCTION).exclude(succeeded_at=None)
    if change is not None and change.repository_names:
        rows = rows.filter(repository__name__in=change.repository_names)
    newest = rows.order_by("-succeeded_at", "-id")[:RELEASES]
    return list(dict.fromkeys(f"{row} ({row.commit_sha[:7]})" if row.commit_sha else str(row) for row in newest))


def _started_from(place: Place, seen: str) -> dict[str, Any]:
    """What was saved since the draft was begun."""
    number = number_in(seen, below=10, otherwise=None)
    if place.change is None or place.present is None or number is None or number == place.present.number:
        return {}
    return {"seen": seen, "meanwhile": meanwhile(place.change, number, place.present)}


def meanwhile(change: Change, seen: int, present: Revision) -> list[SectionDiff]:
    """What others changed between the revision that somebody began with and the present one."""
    began = change.revisions.filter(number=seen).first()
    return differing(texts_of(began), texts_of(present)) if began else []
