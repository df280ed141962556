"""The quiz: one question a page, no hints before it is handed in, and then what was right and why."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from changes.desk.training.forms import QuestionForm
from changes.training import actions, policy, queries
from changes.training.models import Attempt, Course
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.ui.clock import time_of


@dataclass(frozen=True)
class Answered:
    """One question of an attempt, once it is handed in or about to be."""

    place: int
    text: str
    chosen: tuple[str, ...]
    right: bool
    because: str


@requires(P.TRAINING_SIGN)
@require_POST
def begin_quiz(request: HttpRequest, number: int) -> HttpResponse:
    """Draw questions, or go on with those that are drawn."""
    course = get_object_or_404(Course, number=number)
    attempt = actions.begin(course=course, by=person_of(request), at=time_of(request))
    return redirect("question", pk=attempt.pk, place=_first_open(attempt))


@requires(P.TRAINING_SIGN)
@require_http_methods(["GET", "POST"])
def question(request: HttpRequest, pk: int, place: int) -> HttpResponse:
    """One question; the answer is kept and the next one follows."""
    attempt = _own(request, pk)
    if not 1 <= place <= len(attempt.drawn):
        raise Http404("The quiz has no such question.")
    if attempt.submitted_at is not None:
        return redirect("attempt", pk=attempt.pk)
    policy.check_answerable(ends_at=attempt.ends_at, submitted=False, at=time_of(request))
    item, chosen = attempt.drawn[place - 1], queries.chosen_in(attempt)
    asked = attempt.course.questions[item["question"]]
    several = len(asked["right"]) > 1
    given = [str(choice) for choice in chosen.get(place, [])]
    form = QuestionForm(
        request.POST if request.method == "POST" else None,
        choices=[(choice, asked["choices"][choice]) for choice in item["choices"]],
        several=several,
        initial={"chosen": given if several else (given[0] if given else None)},
    )
    if request.method == "POST" and form.is_valid():
        actions.answer(attempt=attempt, place=place, chosen=form.chosen(), by=person_of(request), at=time_of(request))
        if place < len(attempt.drawn):
            return redirect("question", pk=attempt.pk, place=place + 1)
        return redirect("attempt", pk=attempt.pk)
    context = {
        "attempt": attempt,
        "place": place,
        "count": len(attempt.drawn),
        "asked": asked,
        "form": form,
        "answered": sorted(chosen),
    }
    return render(request, "changes/training/question.html", context, status=422 if form.errors else 200)


@requires(P.TRAINING_SIGN)
@require_GET
def attempt(request: HttpRequest, pk: int) -> HttpResponse:
    """Before it is handed in: what was chosen. Afterwards: the result, and why."""
    row = _own(request, pk)
    chosen = queries.chosen_in(row)
    lines = [_answered(row, place, chosen.get(place, [])) for place in range(1, len(row.drawn) + 1)]
    context = {
        "attempt": row,
        "lines": lines,
        "missing": [line.place for line in lines if not line.chosen],
        "over": row.submitted_at is None and row.ends_at < time_of(request),
        "needed": row.course.pass_mark,
    }
    return render(request, "changes/training/attempt.html", context)


@requires(P.TRAINING_SIGN)
@require_POST
def hand_in(request: HttpRequest, pk: int) -> HttpResponse:
    """Judge it. Twice is once."""
    row = actions.hand_in(attempt=_own(request, pk), by=person_of(request), at=time_of(request))
    return redirect("attempt", pk=row.pk)


def _own(request: HttpRequest, pk: int) -> Attempt:
    """The reader's own attempt; somebody else's is not found."""
    return get_object_or_404(Attempt.objects.select_related("course"), pk=pk, person=person_of(request))


def _first_open(attempt: Attempt) -> int:
    chosen = queries.chosen_in(attempt)
    return next((place for place in range(1, len(attempt.drawn) + 1) if place not in chosen), len(attempt.drawn))


def _answered(attempt: Attempt, place: int, chosen: list[int]) -> Answered:
    asked = attempt.course.questions[attempt.drawn[place - 1]["question"]]
    right = policy.is_right(chosen=chosen, right=asked["right"])
    return Answered(place, asked["text"], tuple(asked["choices"][choice] for choice in chosen), right, asked["because"])
