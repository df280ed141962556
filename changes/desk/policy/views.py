"""The policy in force, its versions, and what differs between them."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from changes.desk.policy.showing import compared, parameter_lines
from changes.policies import queries
from changes.policies.queries import Edition
from portal.access.guards import requires
from portal.access.may import may
from portal.access.models import User
from portal.access.permissions import P
from portal.policy.document import exported, sections
from portal.policy.plain import plain
from portal.ui.clock import time_of

VIEWS = (("inline", "Inline"), ("side", "Side by side"))


@requires(P.POLICY_SEE)
@require_GET
def policy(request: HttpRequest) -> HttpResponse:
    """The policy in force, clause by clause, with what it leaves to interpretation."""
    return _page(request, queries.in_force(at=time_of(request)))


@requires(P.POLICY_SEE)
@require_GET
def version(request: HttpRequest, number: int) -> HttpResponse:
    """One version, whatever became of it."""
    return _page(request, _edition(number))


@requires(P.POLICY_SEE)
@require_GET
def difference(request: HttpRequest, before: int, after: int) -> HttpResponse:
    """What differs between two versions, and the decision that changed it."""
    view = request.GET.get("view", "")
    context = {
        **compared(_edition(before), _edition(after), whole=request.GET.get("whole") == "1"),
        "view": view if view in dict(VIEWS) else VIEWS[0][0],
        "views": VIEWS,
        "numbers": [(str(edition.number), f"Version {edition.number}") for edition in queries.editions()],
    }
    return render(request, "changes/policy/difference.html", context)


@requires(P.POLICY_SEE)
@require_GET
def export(request: HttpRequest, number: int) -> HttpResponse:
    """One version as a markdown file with front matter, for a Git repository."""
    edition = _edition(number)
    effective = edition.effective_at.isoformat() if edition.effective_at else ""
    text = exported(
        text=edition.text,
        parameters=plain(edition.parameters),
        number=edition.number,
        effective=effective,
        summary=edition.summary,
        material=edition.material,
    )
    answer = HttpResponse(text, content_type="text/markdown; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="policy-{edition.number}.md"'
    return answer


def _edition(number: int) -> Edition:
    edition = queries.edition(number)
    if edition is None:
        raise Http404(f"There is no version {number} of the policy.")
    return edition


def _page(request: HttpRequest, edition: Edition) -> HttpResponse:
    at = time_of(request)
    present = queries.in_force(at=at)
    first = User.objects.order_by("joined_at").values_list("joined_at", flat=True).first() or at
    context: dict[str, Any] = {
        "edition": edition,
        "is_present": edition.number == present.number,
        "present": present,
        "sections": sections(edition.text),
        "lines": parameter_lines(plain(edition.parameters)),
        "editions": queries.editions(),
        "waiting": queries.waiting(),
        "draft": queries.draft(),
        "may_draft": may(request.user, P.POLICY_DRAFT),
        "review_due_at": queries.review_due_at(installed_at=first, every=present.parameters.policy_review_every),
    }
    return render(request, "changes/policy/policy.html", context)
