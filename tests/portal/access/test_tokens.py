"""Personal tokens: shown once, stored as a digest, never more than their owner."""

import hashlib
from datetime import timedelta

import pytest
import time_machine
from django.test import RequestFactory

from portal.access import actions
from portal.access.models import ApiToken, User
from portal.access.permissions import FOR_TOKENS, P
from portal.access.roles import Role, permissions_of
from portal.access.tokens import allows, make_token, revoke_token, token_from
from portal.ledger.models import LedgerLeaf
from portal.policy.refusal import Refused
from tests.portal.access.people import hold, now, person, soon

pytestmark = pytest.mark.django_db


def make(user, *scopes, **rest):
    wish = {"name": "ci", "expires_at": soon(days=30), "by": f"user:{user.pk}", "at": now()}
    return make_token(user=user, scopes=scopes or (P.CHANGE_SEE,), **{**wish, **rest})


def found(text: str | None, kind: str = "Bearer") -> ApiToken | None:
    headers = {"Authorization": f"{kind} {text}"} if text is not None else {}
    return token_from(RequestFactory().get("/api/v1/changes", headers=headers))


def test_token_is_known_by_its_digest_only():
    ann = person("Ann")

    token, text = make(ann)

    assert text.startswith("cs_")
    assert len(text) == 46
    assert token.digest == hashlib.sha256(text.encode()).hexdigest()
    assert text not in str(list(ApiToken.objects.values()))
    assert text not in str(list(LedgerLeaf.objects.values("body__payload")))
    assert found(text) == token


@pytest.mark.parametrize("text", [None, "", "cs_", "cs_" + "x" * 43, "x", "cs_\N{SNOWMAN}"])
def test_unknown_token_is_nobody(text):
    make(person("Ann"))

    assert found(text) is None


def test_other_scheme_is_nobody():
    _, text = make(person("Ann"))

    assert found(text, kind="Basic") is None
    assert found(text, kind="bearer") is not None


def test_token_ends_by_itself():
    _, text = make(person("Ann"), expires_at=soon(days=1))

    with time_machine.travel(now() + timedelta(days=1), tick=False):
        assert found(text) is None


def test_token_ends_with_its_owner():
    ann = person("Ann")
    _, text = make(ann)
    User.objects.filter(pk=ann.pk).update(is_active=False)

    assert found(text) is None


def test_revoked_token_is_nobody():
    token, text = make(person("Ann"))
    revoke_token(token=token, by="user:1", at=now())

    assert found(text) is None
    assert [leaf.kind for leaf in LedgerLeaf.objects.filter(kind__startswith="token.").order_by("pk")] == [
        "token.made",
        "token.revoked",
    ]


def test_token_gives_its_scopes_and_nothing_else():
    token, _ = make(person("Ann"), P.CHANGE_SEE)

    assert allows(token=token, permission=P.CHANGE_SEE, at=now())
    assert not allows(token=token, permission=P.RELEASE_SEE, at=now())


def test_token_gives_no_more_than_its_owner_may_now():
    una, mia = person("Una", Role.ADMINISTRATOR), person("Mia")
    person("Rex")
    token, _ = make(una, P.INBOX_SEE)
    assert allows(token=token, permission=P.INBOX_SEE, at=now())

    actions.revoke(grant=una.grants.get(), by=mia, reason="Moved", at=now())

    assert not allows(token=token, permission=P.INBOX_SEE, at=now())


@pytest.mark.parametrize("permission", sorted(set(P) - FOR_TOKENS))
def test_no_token_decides_anything(permission):
    owner = person("Owner", Role.ADMINISTRATOR if permission in permissions_of([Role.ADMINISTRATOR]) else Role.CHAIR)

    with pytest.raises(Refused, match="No token may"):
        make(owner, permission)


def test_auditors_have_no_tokens():
    with pytest.raises(Refused):
        make(person("Uma"))


def test_token_of_somebody_who_became_an_auditor_is_nobody():
    pia = person("Pia")
    hold(pia, Role.ENGINEER, until=soon(hours=1))
    _, text = make(pia)
    assert found(text) is not None
    hold(pia, Role.AUDITOR, since=soon(hours=2))

    with time_machine.travel(soon(hours=3), tick=False):
        assert found(text) is None


@pytest.mark.parametrize(
    "wish",
    [
        {"name": "  "},
        {"scopes": []},
        {"expires_at": now() - timedelta(seconds=1)},
        {"expires_at": soon(days=366)},
        {"scopes": [P.INBOX_SEE]},
        {"scopes": [P.SOURCE_MANAGE]},
    ],
)
def test_token_that_asks_for_too_much_is_refused(wish):
    ann = person("Ann")

    with pytest.raises(Refused):
        make_token(
            **{"user": ann, "name": "ci", "scopes": [P.CHANGE_SEE], "expires_at": soon(days=3), "by": "x", "at": now(), **wish}
        )

    assert ApiToken.objects.count() == 0


def test_use_is_noted_at_most_once_a_minute(django_assert_num_queries):
    token, text = make(person("Ann"))
    start = now()

    seen = []
    for seconds in (0, 30, 59, 61):
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            found(text)
        token.refresh_from_db()
        seen.append(round((token.last_used_at - start).total_seconds()))

    assert seen == [0, 0, 0, 61]
