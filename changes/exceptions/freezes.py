"""A release in a hard freeze that nobody overrode for all that it carries (P-08)."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import QuerySet

from changes.calendar.facts import Assets, Freezing, Span
from changes.calendar.models import FreezeOverride, OverrideAnswer
from changes.calendar.queries import freezes_within, freezing_of
from changes.delivery.models import Release, Repository
from changes.exceptions.actions import Found
from changes.gates.deploy import carried_changes
from changes.proposals.models import Category, Change
from portal.policy.in_force import parameters_at
from portal.policy.parameters import Parameters

TOGETHER = timedelta(minutes=15)
"""A pipeline notes the deployment at the forge before or after it releases; further apart they are two acts."""
INSTANT = timedelta(microseconds=1)


def released_in_freeze(
    *, repository: Repository, release: Release, prefix: str, parameters: Parameters | None = None
) -> Iterator[Found]:
    """One finding for each hard freeze that the release went past. A rollback goes past none: undoing waits for nothing.

    Where Fly tells of the release, the deployment at the forge that says the same is not found a second time.
    """
    if release.rolls_back_id is not None:
        return
    began = Span(release.created_at, release.created_at + INSTANT)
    assets = Assets(release.environment, frozenset({repository.name}), frozenset({release.app} - {""}))
    hard = [freeze for freeze in map(freezing_of, freezes_within(span=began)) if freeze.hard and freeze.covers(assets)]
    if not hard or _told_by_fly(release).exists():
        return
    changes = list(carried_changes(repository=repository, commit=release.commit_sha)) if release.commit_sha else []
    for freeze in hard:
        held = [
            change for change in changes if not _may_pass(change, freeze, release, parameters or parameters_at(release.created_at))
        ]
        if held or not changes:
            yield _found(release, freeze, held, prefix)


def _told_by_fly(release: Release) -> QuerySet[Release]:
    """What Fly says of the same act, for a deployment at the forge; nothing for any other release."""
    return _same_act(release, of=Release.Source.GITHUB, by=Release.Source.FLY)


def told_by_forge(release: Release) -> QuerySet[Release]:
    """The deployments at the forge that tell of the same act, for a release at Fly; nothing for any other."""
    return _same_act(release, of=Release.Source.FLY, by=Release.Source.GITHUB)


def _same_act(release: Release, *, of: str, by: str) -> QuerySet[Release]:
    if release.source != of or not release.commit_sha:
        return Release.objects.none()
    around = (release.created_at - TOGETHER, release.created_at + TOGETHER)
    same = Release.objects.filter(repository=release.repository, environment=release.environment, commit_sha=release.commit_sha)
    return same.filter(source=by, created_at__range=around)


def _may_pass(change: Change, freeze: Freezing, release: Release, parameters: Parameters) -> bool:
    """Whether two people had overridden the freeze for it by then, or it is an emergency that somebody declared."""
    if change.category == Category.EMERGENCY and not change.undeclared and not parameters.freezes_hold_emergencies:
        return True
    given = FreezeOverride.objects.filter(change=change, freeze=freeze.pk, answer__verdict=OverrideAnswer.Verdict.YES)
    return given.filter(answer__at__lte=release.created_at).exists()


def _found(release: Release, freeze: Freezing, held: list[Change], prefix: str) -> Found:
    name = f"{release.app} v{release.version}" if release.app else release.commit_sha[:7]
    what = f", with {', '.join(map(str, held))}" if held else ""
    return Found(
        kind="released_in_freeze",
        subject=f"{name} in {freeze.name}",
        key=f"{prefix}{freeze.pk}:released_in_freeze",
        sentence=(
            f"{release.actor or 'Somebody'} released {name} to {release.environment}{what} in the freeze {freeze.name}, "
            "which nobody had overridden for it."
        ),
        happened_at=release.created_at,
        confirmed=release.confirmed_at is not None,
        change=held[0] if held else None,
        evidence={
            "release_id": release.pk,
            "freeze": freeze.name,
            "until": freeze.span.ends_at.isoformat(),
            "actor": release.actor,
            "app": release.app,
            "commit": release.commit_sha,
        },
    )
