"""People with access at a vendor and no role here are let in to learn and sign, in one action, and to nothing else."""

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from portal.access.invitations import accept, invite
from portal.access.learning import let_learn
from portal.access.may import roles_at
from portal.access.models import Invitation, User
from portal.access.roles import Role
from portal.policy.refusal import Refused
from portal.ui.navigation import pages_for, tab_bar
from tests.portal.access.people import everybody, now, person

pytestmark = pytest.mark.django_db


def test_who_cannot_sign_in_gets_a_letter_and_who_can_gets_the_role_and_nobody_gets_both():
    team = everybody()
    mia, at = team["Mia"], timezone.now()
    zoe = User.objects.create_user(email="zoe@northwind.example", name="Zoe")
    yan = person("Yan", password="correct horse battery")
    gone = User.objects.create_user(email="gone@northwind.example", name="Gone", password="x")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    gone.refresh_from_db()

    found = let_learn(people=[zoe, yan, gone, team["Ann"]], by=mia, at=at)

    assert (found.invited, found.given, found.left) == (1, 1, 2)
    assert found.words == "1 invited by letter, 1 given the role at once, 2 left as they are."
    assert (roles_at(yan, at=at), roles_at(zoe, at=at)) == ({Role.LEARNER}, set())
    [letter] = Invitation.objects.all()
    assert (letter.email, letter.roles, letter.invited_by) == ("zoe@northwind.example", ["learner"], mia)
    assert let_learn(people=[zoe], by=mia, at=at).left == 1
    _, token = invite(email=zoe.email, name="Zoe", roles=[Role.LEARNER], by=mia, at=at)
    assert accept(token=token, name="Zoe", password="correct horse battery", at=now()) == zoe
    assert roles_at(zoe, at=now()) == {Role.LEARNER}
    with pytest.raises(Refused):
        let_learn(people=[person("Wim", password="x")], by=team["Ann"], at=at)
    assert mail.outbox == []


def test_learner_sees_the_policy_and_the_training_and_nothing_else():
    yan = person("Yan", Role.LEARNER)
    client = Client()
    client.force_login(yan)

    answers = {path: client.get(path).status_code for path in ("/training/", "/policy/", "/me/", "/exports/", "/")}

    assert set(answers.values()) == {200}
    assert {client.get(path).status_code for path in ("/changes/", "/people/", "/exceptions/", "/ledger/", "/meetings/")} == {403}
    assert {page.path for page in pages_for(yan)} == {"/", "/policy/", "/training/", "/exports/", "/help/"}


@pytest.mark.parametrize(
    ("role", "tabs"),
    [
        ("learner", ["/", "/training/", "/policy/"]),
        ("engineer", ["/", "/changes/", "/meetings/", "/exceptions/"]),
        ("compliance", ["/", "/changes/", "/meetings/", "/audits/"]),
        ("auditor", ["/changes/", "/meetings/", "/audits/"]),
    ],
)
def test_the_bar_of_a_phone_has_what_opens_for_the_reader(role, tabs):
    drawn = str(tab_bar(person("Somebody", role), "/changes/"))

    assert [part.partition('"')[0] for part in drawn.split('href="')[1:]] == tabs
