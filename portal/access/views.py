"""Pages about people: who is here, with which roles since when, who is invited, and what waits for a second person."""

from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.access import actions, identities, invitations, queries
from portal.access.forms import ConfirmForm, InvitationForm, JoinForm, ReasonForm, RoleForm
from portal.access.guards import public, requires
from portal.access.may import may, roles_of
from portal.access.models import Identity, Invitation, RoleGrant, RoleProposal, User
from portal.access.people import actor_of
from portal.access.permissions import P
from portal.access.roles import PRIVILEGED, Role, permissions_of
from portal.access.roster.describing import description_of
from portal.access.roster.forms import AboutForm, LeaveForm
from portal.access.roster.leaving import is_overdue
from portal.access.signed_in import person_of
from portal.access.signin import sign_in_after_invitation


@requires(P.PERSON_SEE)
@require_GET
def people(request: HttpRequest) -> HttpResponse:
    """Everybody, the proposals that wait, and who is invited."""
    return _people(request)


@requires(P.PERSON_SEE)
@require_GET
def gone(request: HttpRequest) -> HttpResponse:
    """Who was here and left, the last one first."""
    return render(request, "portal/people/gone.html", {"people": queries.people_who_left()})


@requires(P.PERSON_SEE)
@require_GET
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One person: roles over time and linked accounts."""
    return person_page(request, get_object_or_404(User, pk=pk))


@requires(P.ROLE_GIVE, fresh=True)
@require_POST
def give_role(request: HttpRequest, pk: int) -> HttpResponse:
    """Give an ordinary role, or propose a privileged one."""
    subject = get_object_or_404(User, pk=pk)
    form = RoleForm(request.POST, offered=_offered(request))
    if not form.is_valid():
        return person_page(request, subject, role_form=form, status=422)
    role = Role(form.cleaned_data["role"])
    wish = {"user": subject, "role": role, "by": person_of(request), "reason": form.cleaned_data["reason"]}
    if role in PRIVILEGED:
        actions.propose_role(**wish, at=timezone.now(), until=form.end())
        messages.success(request, f"Proposed: {role.label} for {subject.name}. Another person confirms it within 72 hours.")
    else:
        actions.grant(**wish, at=timezone.now(), until=form.end())
        messages.success(request, f"{subject.name} is {role.label} now.")
    return redirect("person", subject.pk)


@requires(P.ROLE_GIVE, fresh=True)
@require_POST
def confirm_role(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm what somebody else proposed, exactly as it was read."""
    proposal = get_object_or_404(RoleProposal.objects.select_related("user"), pk=pk)
    form = ConfirmForm(request.POST)
    digest = form.cleaned_data["digest"] if form.is_valid() else ""
    actions.confirm_role(proposal=proposal, digest=digest, by=person_of(request), at=timezone.now())
    messages.success(request, f"{proposal.user.name} is {Role(proposal.role).label} now.")
    return redirect("people")


@requires(P.ROLE_GIVE)
@require_POST
def withdraw_proposal(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a proposal back, or turn somebody else's down."""
    actions.withdraw_proposal(proposal=get_object_or_404(RoleProposal, pk=pk), by=person_of(request), at=timezone.now())
    messages.success(request, "The proposal was withdrawn.")
    return redirect("people")


@requires(P.ROLE_GIVE, fresh=True)
@require_POST
def end_role(request: HttpRequest, pk: int) -> HttpResponse:
    """End a role at once."""
    grant = get_object_or_404(RoleGrant.objects.select_related("user"), pk=pk)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, str(form.errors["reason"][0]))
        return redirect("person", grant.user_id)
    actions.revoke(grant=grant, by=person_of(request), reason=form.cleaned_data["reason"], at=timezone.now())
    messages.success(request, f"{grant.user.name} is no longer {Role(grant.role).label}.")
    return redirect("person", grant.user_id)


@requires(P.PERSON_INVITE, fresh=True)
@require_POST
def unlink(request: HttpRequest, pk: int) -> HttpResponse:
    """End somebody's linked account, for them."""
    identity = get_object_or_404(Identity, pk=pk)
    identities.unlink_identity(identity=identity, by=actor_of(person_of(request)), at=timezone.now())
    messages.success(request, "The account was unlinked.")
    return redirect("person", identity.user_id)


@requires(P.PERSON_INVITE, fresh=True)
@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    """Send a letter that lets one address join."""
    form = InvitationForm(request.POST, offered=_offered(request))
    if not form.is_valid():
        return _people(request, invitation_form=form, status=422)
    given = form.cleaned_data
    roles = [Role(code) for code in given["roles"]]
    invitations.invite(email=given["email"], name=given["name"], roles=roles, by=person_of(request), at=timezone.now())
    messages.success(request, f"A letter to {given['email']} is on its way.")
    return redirect("people")


@requires(P.PERSON_INVITE)
@require_POST
def withdraw_invitation(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a letter worthless."""
    invitation = get_object_or_404(Invitation, pk=pk)
    invitations.withdraw_invitation(invitation=invitation, by=person_of(request), at=timezone.now())
    messages.success(request, "The invitation was withdrawn.")
    return redirect("people")


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def _join(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind the letter: choose a name and a password, and be signed in."""
    invitation = invitations.open_invitation(token=token, at=timezone.now())
    if invitation is None or request.user.is_authenticated:
        context = {"signed_in": request.user.is_authenticated}
        return render(request, "portal/people/invitation_closed.html", context, status=200 if invitation else 410)
    form = JoinForm(request.POST or None, email=invitation.email, initial={"name": invitation.name})
    if request.method != "POST" or not form.is_valid():
        shown = {"invitation": invitation, "form": form}
        return render(request, "portal/people/invitation.html", shown, status=422 if form.is_bound else 200)
    given = form.cleaned_data
    user = invitations.accept(token=token, name=given["name"], password=given["password"], at=timezone.now())
    sign_in_after_invitation(request, user)
    messages.success(request, "Welcome to Countersign. Next, set up a second factor and link your GitHub account.")
    return redirect("me")


join = public(_join, reason="Accepting an invitation; the address holds a secret that works once.")


def _offered(request: HttpRequest) -> list[Role]:
    return queries.roles_given_with(permissions_of(roles_of(request.user)))


def _people(request: HttpRequest, *, invitation_form: InvitationForm | None = None, status: int = 200) -> HttpResponse:
    now = timezone.now()
    context: dict[str, Any] = {
        "people": queries.people(at=now, with_factors=Role.AUDITOR not in roles_of(request.user)),
        "proposals": queries.waiting_proposals(at=now),
        "invitations": queries.open_invitations(at=now),
        "may_give": may(request.user, P.ROLE_GIVE),
        "may_invite": may(request.user, P.PERSON_INVITE),
        "may_keep": may(request.user, P.PERSON_KEEP),
        "may_provision": may(request.user, P.PROVISIONING_MANAGE),
        "may_look_back": may(request.user, P.ROLE_HISTORY_SEE),
        "invitation_form": invitation_form or InvitationForm(offered=_offered(request)),
        "roles": list(Role),
    }
    return render(request, "portal/people/list.html", context, status=status)


def person_page(
    request: HttpRequest,
    subject: User,
    *,
    role_form: RoleForm | None = None,
    about_form: AboutForm | None = None,
    leave_form: LeaveForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page about one person, with a form that came back."""
    now = timezone.now()
    context: dict[str, Any] = {
        "subject": subject,
        "grants": queries.history_of(subject),
        "identities": queries.identities_of(subject),
        "proposals": [waiting for waiting in queries.waiting_proposals(at=now) if waiting.user_id == subject.pk],
        "may_give": may(request.user, P.ROLE_GIVE) and subject.pk != request.user.pk,
        "may_unlink": may(request.user, P.PERSON_INVITE),
        "may_keep": may(request.user, P.PERSON_KEEP),
        "overdue": is_overdue(subject, at=now),
        "role_form": role_form or RoleForm(offered=_offered(request)),
        "about_form": about_form or AboutForm(initial=asdict(description_of(subject))),
        "leave_form": leave_form or LeaveForm(),
        "at": now,
    }
    return render(request, "portal/people/person.html", context, status=status)
