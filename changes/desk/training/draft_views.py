"""The next course while it is written: saved, looked at, published, left."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from changes.desk.training.forms import DraftForm
from changes.training import drafting, policy, queries
from changes.training.models import CourseDraft
from changes.training.writing import WrongText, pages_in, questions_in, typed_pages, typed_questions
from portal.access.guards import requires
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.home.dropped import dropped_by
from portal.numbers import number_in
from portal.policy.models import PolicyVersion
from portal.policy.refusal import Refused, Stale
from portal.ui.clock import time_of

STATEMENT = "I have read the change management policy and will follow it."
NAMES = ("policy_version", "title", "pages", "questions", "draw", "pass_mark", "statement", "seen")


@requires(P.TRAINING_WRITE)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest) -> HttpResponse:
    """The draft. A new one begins with the course that is taken now."""
    row = queries.draft()
    if request.method == "GET":
        return _page(request, DraftForm(initial=_initial(request, row), versions=_versions()), row)
    form = DraftForm(request.POST, versions=_versions())
    if not form.is_valid():
        return _page(request, form, row, status=422)
    try:
        drafting.save_draft(**{name: form.cleaned_data[name] for name in NAMES}, by=person_of(request), at=time_of(request))
    except Stale as problem:
        form.add_error(None, f"{problem} Your text is kept below.")
        return _page(request, form, row, status=409)
    messages.success(request, "The draft is saved.")
    return redirect("course-draft")


@requires(P.TRAINING_WRITE, fresh=True)
@require_POST
def publish(request: HttpRequest) -> HttpResponse:
    """Fix the saved draft as a course."""
    row = queries.draft()
    try:
        course = drafting.publish(seen=_seen(request), by=person_of(request), at=time_of(request))
    except (Refused, Stale) as problem:
        form = DraftForm(initial=_initial(request, row), versions=_versions())
        words = problem.words
        return _page(request, form, row, status=409 if isinstance(problem, Stale) else 422, refused=words)
    messages.success(request, f"{course} is published. Everybody is asked to take it.")
    return redirect("course", number=course.number)


@requires(P.TRAINING_WRITE)
@require_POST
def drop(request: HttpRequest) -> HttpResponse:
    """Leave the draft."""
    drafting.drop_draft(seen=_seen(request), by=person_of(request), at=time_of(request))
    messages.success(request, "The draft is dropped.")
    return redirect("course-draft")


@requires(P.TRAINING_WRITE)
@require_POST
def take_back(request: HttpRequest) -> HttpResponse:
    """The draft that one dropped, as it was."""
    row = drafting.take_draft_back(by=person_of(request), at=time_of(request))
    messages.success(request, "The draft is back." if row else "There is no dropped draft any more.")
    return redirect("course-draft")


def _seen(request: HttpRequest) -> int:
    text = request.POST.get("seen", "")
    return number_in(text, below=10, otherwise=-1)


def _versions() -> list[int]:
    """Versions that a course can be about: adopted ones, the newest first, and the built-in one."""
    rows = PolicyVersion.objects.filter(state=PolicyVersion.State.ADOPTED).order_by("-number")
    return [*rows.values_list("number", flat=True), drafting.FIRST]


def _initial(request: HttpRequest, row: CourseDraft | None) -> dict[str, Any]:
    if row is not None:
        kept = {name: getattr(row, name) for name in ("title", "pages", "questions", "draw", "pass_mark", "statement")}
        return {**kept, "policy_version": row.policy, "seen": row.version}
    present = queries.course_at(at=time_of(request))
    newest = {"policy_version": _versions()[0], "seen": 0}
    if present is None:
        return {**newest, "draw": 5, "pass_mark": 80, "statement": STATEMENT}
    kept = {name: getattr(present, name) for name in ("title", "draw", "pass_mark", "statement")}
    return {**kept, **newest, "pages": typed_pages(present.pages), "questions": typed_questions(present.questions)}


def _page(request: HttpRequest, form: DraftForm, row: CourseDraft | None, *, status: int = 200, refused: str = "") -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "draft": row,
        "refused": refused,
        "problems": [("", refused)],
        "dropped": dropped_by(person=person_of(request), kind=drafting.KIND, at=time_of(request)) if row is None else None,
        **(_looked_at(row) if row is not None else {}),
    }
    return render(request, "changes/training/draft.html", context, status=status)


def _looked_at(row: CourseDraft) -> dict[str, Any]:
    """What the saved draft would be as a course, or why it is none yet."""
    try:
        pages, questions = pages_in(row.pages), questions_in(row.questions)
        policy.check_course(
            title=row.title, pages=pages, questions=questions, draw=row.draw, pass_mark=row.pass_mark, statement=row.statement
        )
    except WrongText as problem:
        return {"lacking": str(problem)}
    except Refused as problem:
        return {"lacking": problem.why}
    texts = [page["text"] for page in pages]
    return {"pages": pages, "bank": len(questions), "minutes": policy.minutes_for(texts=texts, questions=row.draw)}
