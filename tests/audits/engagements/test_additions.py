"""People who come into a confirmed audit: two let them in, from that moment on; and they leave early like all others."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audits.engagements import additions
from audits.engagements.actions import confirm_engagement, end_admission, end_engagement
from audits.engagements.facts import Invited
from audits.engagements.models import Admission, AdmissionProposal
from audits.engagements.needs import admission_needs
from audits.engagements.queries import engagement_of
from portal.ledger.models import LedgerLeaf
from portal.policy.refusal import Refused, Stale
from tests.audits.engagements.opened import admitted, prepared
from tests.changes.people import who
from tests.portal.access.browsing import sign_in
from tests.portal.access.people import person

pytestmark = pytest.mark.django_db
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def proposed(engagement, invited, at, by="Cleo", days=5, reason="Takes over the tests of access."):
    wish = Invited(invited, at + days * DAY)
    return additions.propose_admission(engagement=engagement, invited=wish, reason=reason, by=who(by), at=at)


def test_two_people_let_somebody_in_later_from_then_on_until_their_day_and_they_may_leave_and_come_again():
    uma, engagement = admitted()
    una, mia, cleo, at = person("Una", "auditor"), who("Mia"), who("Cleo"), timezone.now()

    proposal = proposed(engagement, una, at)

    assert engagement_of(una, at=at) is None
    assert [item.title for item in admission_needs(mia, at)] == ["Confirm who comes into an audit"]
    assert [list(admission_needs(user, at)) for user in (cleo, who("Ann"))] == [[], []]
    with pytest.raises(Refused, match="You proposed this yourself"):
        additions.confirm_admission(proposal=proposal, digest=proposal.digest, by=cleo, at=at)
    with pytest.raises(Stale, match="not the one that you read"):
        additions.confirm_admission(proposal=proposal, digest="0" * 64, by=mia, at=at)
    with pytest.raises(Refused, match="may not decide"):
        additions.confirm_admission(proposal=proposal, digest=proposal.digest, by=who("Ann"), at=at)
    with pytest.raises(Refused, match="proposed already"):
        proposed(engagement, una, at)
    made = additions.confirm_admission(proposal=proposal, digest=proposal.digest, by=mia, at=at + HOUR)
    assert (made.starts_at, made.ends_at, made.added_by, made.seconded_by) == (at + HOUR, at + 5 * DAY, cleo, mia)
    assert [engagement_of(una, at=moment) for moment in (at, at + 2 * HOUR, at + 5 * DAY)] == [None, engagement, None]
    assert engagement_of(uma, at=at + 6 * DAY) == engagement
    with pytest.raises(Stale, match="decided on this already"):
        additions.withdraw_admission(proposal=proposal, by=mia, at=at)
    with pytest.raises(Refused, match="in this audit already"):
        proposed(engagement, una, at + 2 * HOUR)

    end_admission(admission=made, by=mia, at=at + 3 * HOUR)
    assert engagement_of(una, at=at + 4 * HOUR) is None
    second = proposed(engagement, una, at + 4 * HOUR)
    additions.confirm_admission(proposal=second, digest=second.digest, by=mia, at=at + 5 * HOUR)
    assert engagement_of(una, at=at + 6 * HOUR) == engagement
    kinds = LedgerLeaf.objects.filter(stream=f"engagement:{engagement.pk}").order_by("stream_seq").values_list("kind", flat=True)
    assert list(kinds)[2:] == [
        *("engagement.addition_proposed", "engagement.person_added", "engagement.left"),
        *("engagement.addition_proposed", "engagement.person_added"),
    ]


def test_what_does_not_fit_is_refused_when_it_is_proposed_and_again_when_it_is_confirmed():
    uma, engagement = admitted()
    una, mia, at = person("Una", "auditor"), who("Mia"), timezone.now()
    other = person("Ugo", "auditor")
    for wish, words in (
        ({"invited": una, "days": 40}, "lies within the engagement"),
        ({"invited": una, "days": 0}, "lies within the engagement"),
        ({"invited": una, "reason": " "}, "A reason is missing"),
        ({"invited": who("Ann")}, "is no auditor"),
        ({"invited": una, "by": "Ann"}, "may not decide on engagements"),
        ({"invited": uma}, "in this audit already"),
    ):
        with pytest.raises(Refused, match=words):
            proposed(engagement, at=at, **wish)
    waiting = prepared(other, who("Cleo"), name="Another")
    with pytest.raises(Refused, match="not confirmed yet"):
        proposed(waiting, una, at)
    admitted_elsewhere = proposed(engagement, other, at)
    additions_confirm = {"proposal": admitted_elsewhere, "digest": admitted_elsewhere.digest, "by": mia}
    confirm_engagement(engagement=waiting, digest=waiting.digest, by=mia, at=at)
    with pytest.raises(Refused, match="another engagement at that time"):
        additions.confirm_admission(**additions_confirm, at=at + HOUR)
    with pytest.raises(Stale, match="within 72 hours"):
        additions.confirm_admission(**additions_confirm, at=at + 72 * HOUR)
    additions.withdraw_admission(proposal=admitted_elsewhere, by=mia, at=at + HOUR)
    second = proposed(engagement, una, at)
    end_engagement(engagement=engagement, by=mia, at=at + HOUR)
    with pytest.raises(Stale, match="audit is over"):
        additions.confirm_admission(proposal=second, digest=second.digest, by=mia, at=at + HOUR)
    assert Admission.objects.filter(engagement=engagement).count() == 1


@pytest.mark.parametrize(
    ("constraint", "rest"),
    [
        ("but by two people", {}),
        ("admission_added_by_two_others", {"added_by": "Cleo", "seconded_by": "Cleo", "starts_at": 0}),
        ("admission_added_by_two_others", {"added_by": "Cleo", "seconded_by": "Una", "starts_at": 0}),
        ("admission_added_whole", {"added_by": "Cleo", "seconded_by": "Mia"}),
        ("admitted within the engagement", {"added_by": "Cleo", "seconded_by": "Mia", "starts_at": 3}),
        ("already", {"person": "Uma", "added_by": "Cleo", "seconded_by": "Mia", "starts_at": 0}),
    ],
)
def test_database_lets_nobody_in_by_fewer_than_two(constraint, rest):
    _, engagement = admitted()
    person("Una", "auditor")
    at = timezone.now()
    given = {name: at + value * DAY if name == "starts_at" else who(value) for name, value in rest.items()}
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Admission.objects.create(engagement=engagement, ends_at=at + 2 * DAY, **{"person": who("Una"), **given})


def test_database_admits_what_was_proposed_and_decides_once():
    _, engagement = admitted()
    una, at = person("Una", "auditor"), timezone.now()
    proposal = proposed(engagement, una, at)
    with pytest.raises(IntegrityError, match="not what was proposed"), transaction.atomic():
        AdmissionProposal.objects.filter(pk=proposal.pk).update(admission=engagement.admissions.get())
    additions.withdraw_admission(proposal=proposal, by=who("Mia"), at=at)
    with pytest.raises(IntegrityError, match="is decided"), transaction.atomic():
        AdmissionProposal.objects.filter(pk=proposal.pk).update(withdrawn_at=at + HOUR)


def test_pages_of_an_audit_propose_show_confirm_and_take_back():
    _, engagement = admitted()
    una, address = person("Una", "auditor"), reverse("audit", args=[engagement.pk])
    cleo, mia = (sign_in(Client(), who(name), minutes_ago=0) for name in ("Cleo", "Mia"))
    add = reverse("add-auditor", args=[engagement.pk])
    assert "Add somebody to this audit" in cleo.get(add).content.decode()
    last = (engagement.ends_at - timedelta(microseconds=1)).date()

    assert cleo.post(add, {"person": una.pk, "until": "", "reason": "Late"}).status_code == 422
    answer = cleo.post(add, {"person": una.pk, "until": last.isoformat(), "reason": "Takes over."}, follow=True)

    page = answer.content.decode()
    [proposal] = AdmissionProposal.objects.all()
    assert ("is to come in" in page, "Take back" in page, proposal.ends_at) == (True, True, engagement.ends_at)
    assert "Turn down" in mia.get(address).content.decode()
    wrong = reverse("confirm-auditor", args=[engagement.pk + 1, proposal.pk])
    assert mia.post(wrong, {"digest": proposal.digest}).status_code == 404
    mia.post(reverse("withdraw-auditor", args=[engagement.pk, proposal.pk]))
    cleo.post(add, {"person": una.pk, "until": last.isoformat(), "reason": "Takes over after all."})
    second = AdmissionProposal.objects.get(withdrawn_at=None)
    mia.post(reverse("confirm-auditor", args=[engagement.pk, second.pk]), {"digest": second.digest})
    page = mia.get(address).content.decode()
    assert "added by Cleo and Mia" in page
