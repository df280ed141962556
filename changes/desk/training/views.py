"""What is mine to learn and sign: the courses, their pages, the signature and its certificate."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from changes.desk.training.certificate import certificate_pdf
from changes.desk.training.forms import SignForm
from changes.training import actions, policy, queries
from changes.training.models import Acknowledgement, Course
from portal.access.freshness import authenticated_at
from portal.access.guards import requires
from portal.access.may import may
from portal.access.permissions import P
from portal.access.signed_in import person_of
from portal.policy.refusal import Refused, Stale
from portal.ui.clock import time_of


@requires(P.POLICY_SEE)
@require_GET
def training(request: HttpRequest) -> HttpResponse:
    """What is due for the reader, how long it takes, and what they signed."""
    at, person = time_of(request), person_of(request)
    course, signs = queries.course_at(at=at), may(request.user, P.TRAINING_SIGN)
    context: dict[str, Any] = {
        "course": course,
        "connected": queries.is_connected(at=at),
        "signs": signs,
        "standing": queries.member(person, at=at).standing if signs else None,
        "signed": queries.acknowledgements_of(person),
        "may_write": may(request.user, P.TRAINING_WRITE),
        "may_oversee": may(request.user, P.TRAINING_OVERSEE),
        "draft": queries.draft() if may(request.user, P.TRAINING_WRITE) else None,
        "courses": queries.courses(),
    }
    if course is not None and signs:
        context |= progress_context(course, request)
    return render(request, "changes/training/training.html", context)


@requires(P.POLICY_SEE)
@require_GET
def course(request: HttpRequest, number: int) -> HttpResponse:
    """A course: its pages, how far the reader is, and what comes next."""
    row = get_object_or_404(Course.objects.select_related("published_by"), number=number)
    present = queries.course_at(at=time_of(request))
    context = {
        "course": row,
        "is_present": present == row,
        "signs": may(request.user, P.TRAINING_SIGN),
        "whole": may(request.user, P.TRAINING_OVERSEE),
        **progress_context(row, request),
    }
    return render(request, "changes/training/course.html", context)


@requires(P.POLICY_SEE)
@require_http_methods(["GET", "POST"])
def course_page(request: HttpRequest, number: int, page: int) -> HttpResponse:
    """One page; the button below says that it was read, and leads on."""
    row = get_object_or_404(Course, number=number)
    if not 1 <= page <= len(row.pages):
        raise Http404("The course has no such page.")
    if request.method == "POST":
        actions.read_page(course=row, page=page, by=person_of(request), at=time_of(request))
        if page < len(row.pages):
            return redirect("course-page", number=number, page=page + 1)
        return redirect("course", number=number)
    context = {
        "course": row,
        "page": row.pages[page - 1],
        "number": page,
        "count": len(row.pages),
        "signs": may(request.user, P.TRAINING_SIGN),
        **progress_context(row, request),
    }
    return render(request, "changes/training/page.html", context)


@requires(P.TRAINING_SIGN, fresh=True)
@require_http_methods(["GET", "POST"])
def sign(request: HttpRequest, number: int) -> HttpResponse:
    """The statement and the signature. The sign-in is asked for anew before anything is typed."""
    row = get_object_or_404(Course, number=number)
    form = SignForm(request.POST or None, initial={"seen": row.digest})
    if request.method == "POST" and form.is_valid():
        given = {name: form.cleaned_data[name] for name in ("seen", "typed_name", "agreed")}
        try:
            signed = actions.sign(
                course=row, by=person_of(request), authenticated_at=authenticated_at(request), at=time_of(request), **given
            )
        except (Refused, Stale) as problem:
            form.add_error(None, problem.words)
        else:
            messages.success(request, f"You have signed version {signed.policy} of the policy.")
            return redirect("certificate", pk=signed.pk)
    context = {"course": row, "form": form, **progress_context(row, request)}
    return render(request, "changes/training/sign.html", context, status=422 if form.errors else 200)


@requires(P.PERSON_SEE)
@require_GET
def certificate(request: HttpRequest, pk: int) -> HttpResponse:
    """What somebody signed, to be read, printed and checked by its digest."""
    row = get_object_or_404(Acknowledgement.objects.select_related("person", "course", "attempt"), pk=pk)
    return render(request, "changes/training/certificate.html", {"signed": row})


@requires(P.PERSON_SEE)
@require_GET
def certificate_paper(request: HttpRequest, pk: int) -> HttpResponse:
    """The same as PDF: the same bytes for the same signature."""
    row = get_object_or_404(Acknowledgement.objects.select_related("person", "course", "attempt"), pk=pk)
    headers = {"Content-Disposition": f'attachment; filename="confidential-certificate-{row.pk}.pdf"'}
    return HttpResponse(certificate_pdf(row), content_type="application/pdf", headers=headers)


def progress_context(course: Course, request: HttpRequest) -> dict[str, Any]:
    """How far the reader is with a course, for templates."""
    progress = queries.progress_of(course=course, person=person_of(request), at=time_of(request))
    texts = [page["text"] for page in course.pages]
    return {
        "progress": progress,
        "lines": [(number, page["title"], number in progress.read) for number, page in enumerate(course.pages, start=1)],
        "minutes": policy.minutes_for(texts=texts, questions=course.draw),
        "next_page": progress.missing[0] if progress.missing else None,
    }
