"""An engagement is prepared by one person, confirmed by another, and ends on a date."""

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from audits.engagements.actions import confirm_engagement, digest_of, end_admission, end_engagement
from audits.engagements.criteria import read_ids
from audits.engagements.facts import Invited
from audits.engagements.links import href_of, read_links
from audits.engagements.models import Admission, Engagement, ReadLog
from audits.engagements.queries import (
    engagement_of,
    engagements,
    files_in_last_hour,
    is_open,
    pages_read,
    readings,
    scope_of,
)
from audits.room.finding_again import audits_called
from portal.access.models import User
from portal.access.roles import Role
from portal.access.scope import EVERYTHING
from portal.ledger.models import LedgerLeaf
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from portal.ui import palette
from tests.audits.engagements.opened import YEAR, admitted, prepared
from tests.portal.access.people import hold, now, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def uma():
    return person("Uma")


@pytest.fixture
def cleo():
    return person("Cleo")


@pytest.fixture
def mia():
    return person("Mia")


def confirm(engagement, by, **rest):
    confirm_engagement(**{"engagement": engagement, "digest": engagement.digest, "by": by, "at": timezone.now(), **rest})


def test_engagement_opens_nothing_until_another_person_confirms_it(uma, cleo, mia):
    engagement = prepared(uma, cleo)
    assert engagement_of(uma, at=now()) is None

    confirm(engagement, mia)

    assert engagement_of(uma, at=now()) == engagement
    kinds = LedgerLeaf.objects.filter(stream=f"engagement:{engagement.pk}").order_by("stream_seq").values_list("kind", "actor")
    assert list(kinds) == [("engagement.opened", f"user:{cleo.pk}"), ("engagement.confirmed", f"user:{mia.pk}")]


def test_engagement_says_itself_in_a_sentence(uma, cleo):
    engagement = prepared(uma, cleo)

    assert str(engagement).startswith("Annual audit: records from 1 Jan 2026 to 31 Dec 2026, open until ")


@pytest.mark.parametrize("name", ["Ann", "Bob", "Dev", "Rex", "Uma"])
def test_only_chair_and_compliance_decide_on_engagements(name, cleo, mia):
    by = person(name)
    auditor = by if name == "Uma" else person("Uma")
    with pytest.raises(Refused) as refusal:
        prepared(auditor, by)
    assert refusal.value.clause == Clause.AUDITED

    engagement = prepared(auditor, cleo)
    with pytest.raises(Refused):
        confirm(engagement, by)
    with pytest.raises(Refused):
        end_engagement(engagement=engagement, by=by, at=now())


def test_preparer_does_not_confirm(uma, cleo):
    engagement = prepared(uma, cleo)

    with pytest.raises(Refused):
        confirm(engagement, cleo)


def test_only_auditors_have_engagements(cleo):
    with pytest.raises(Refused):
        prepared(person("Ann"), cleo)


@pytest.mark.parametrize(
    "wish",
    [
        {"window_to": YEAR[0]},
        {"window_from": timezone.now() + timedelta(days=2), "window_to": timezone.now() + timedelta(days=9)},
        {"starts_at": timezone.now() - timedelta(days=9), "ends_at": timezone.now() - timedelta(days=1)},
        {"people": ()},
        {"criteria": ("CC9.9",)},
        {"ends_at": timezone.now() + timedelta(days=120)},
        {"ends_at": timezone.now() - timedelta(days=1)},
    ],
)
def test_dates_that_make_no_sense_are_refused(wish, uma, cleo):
    with pytest.raises(Refused):
        prepared(uma, cleo, **wish)


def test_engagement_is_confirmed_once_in_time_and_as_it_was_read(uma, cleo, mia):
    engagement = prepared(uma, cleo)
    with pytest.raises(Stale):
        confirm(engagement, mia, digest="f" * 64)
    with pytest.raises(Stale):
        confirm(engagement, mia, at=engagement.created_at + timedelta(hours=72))
    confirm(engagement, mia)

    with pytest.raises(Stale):
        confirm(engagement, mia)


def test_digest_covers_all_that_is_read(uma, cleo):
    engagement = prepared(uma, cleo)
    people = [(uma.pk, engagement.ends_at)]
    seen = digest_of(engagement, people)
    assert digest_of(engagement, [(0, engagement.ends_at)]) != seen
    assert digest_of(engagement, [(uma.pk, YEAR[1])]) != seen

    for field, value in (
        ("name", "x"),
        ("kind", "internal"),
        ("systems", ["fly"]),
        ("criteria", ["CC8.1"]),
        ("window_from", YEAR[1]),
        ("window_to", YEAR[0]),
        ("starts_at", YEAR[0]),
        ("ends_at", YEAR[0]),
        ("repositories", ["acme/web"]),
        ("created_by_id", 0),
    ):
        changed = Engagement.objects.get(pk=engagement.pk)
        setattr(changed, field, value)
        assert digest_of(changed, people) != seen, field


def test_auditor_has_one_engagement_at_a_time(uma, cleo, mia):
    confirm(prepared(uma, cleo), mia)
    second = prepared(uma, cleo)

    with pytest.raises(Refused):
        confirm(second, mia)


def test_several_auditors_leave_on_days_of_their_own(uma, cleo, mia):
    una, at = person("Una", "auditor"), now()
    end = at + timedelta(days=30)
    with pytest.raises(Refused, match="within the engagement"):
        prepared(uma, cleo, people=(Invited(uma, end + timedelta(days=1)),), ends_at=end)
    engagement = prepared(uma, cleo, people=(Invited(uma, end), Invited(una, at + timedelta(days=9))), ends_at=end)
    confirm(engagement, mia)
    later = at + timedelta(days=10)

    assert [engagement_of(person, at=at + timedelta(minutes=1)) for person in (uma, una)] == [engagement, engagement]
    assert [engagement_of(person, at=later) for person in (uma, una)] == [engagement, None]
    leaving = engagement.admissions.get(person=uma)
    end_admission(admission=leaving, by=mia, at=later)
    assert engagement_of(uma, at=later + timedelta(minutes=1)) is None
    assert str(leaving).startswith("Uma, until ")
    with pytest.raises(Stale):
        end_admission(admission=leaving, by=mia, at=later)
    with pytest.raises(Refused):
        end_admission(admission=leaving, by=uma, at=later)


def test_internal_audit_is_tested_by_people_of_ones_own(uma, cleo, mia):
    end = now() + timedelta(days=30)
    for tester in (uma, person("Ann")):
        with pytest.raises(Refused, match="may not test"):
            prepared(uma, cleo, kind="internal", people=(Invited(tester, end),), ends_at=end)
    audit = prepared(
        uma, cleo, kind="internal", people=(Invited(mia, end),), ends_at=end, criteria=("CC8.1", "CC6.1"), systems=("fly",)
    )
    confirm(audit, mia)
    audit.refresh_from_db()

    assert is_open(audit, at=now())
    assert engagement_of(mia, at=now()) is None
    scope = scope_of(audit)
    assert (audit.criteria, scope.criteria, scope.systems) == (["CC6.1", "CC8.1"], {"CC6.1", "CC8.1"}, {"fly"})
    assert [scope.covers_system(system="fly"), scope.covers_system(system="git")] == [True, False]
    assert [scope.covers_criteria(criteria=ids) for ids in (["CC8.1", "A1.1"], ["A1.1"])] == [True, False]
    assert (EVERYTHING.covers_system(system="git"), EVERYTHING.covers_criteria(criteria=[])) == (True, True)


@pytest.mark.parametrize(
    ("constraint", "rest"),
    [
        ("nobody is added", {"confirmed": True}),
        ("within the engagement", {"ends_at": timezone.now() + timedelta(days=200)}),
        ("does not prepare", {"person": "Cleo"}),
    ],
)
def test_database_refuses_whom_nobody_read_about(constraint, rest, uma, cleo, mia):
    engagement = prepared(uma, cleo)
    if rest.get("confirmed"):
        confirm(engagement, mia)
    who = cleo if "person" in rest else person("Una", "auditor")

    with pytest.raises(IntegrityError, match=constraint):
        Admission.objects.create(engagement=engagement, person=who, ends_at=rest.get("ends_at", engagement.ends_at))


def test_database_lets_no_auditor_confirm(uma, cleo):
    engagement = prepared(uma, cleo)

    with pytest.raises(IntegrityError, match="does not confirm"):
        Engagement.objects.filter(pk=engagement.pk).update(confirmed_by=uma, confirmed_at=now())


@pytest.mark.parametrize(
    ("text", "ids", "wrong"),
    [
        ("cc8.1, CC6.1;A1.3", ["CC6.1", "CC8.1", "A1.3"], []),
        ("CC8.2 soc2", [], ["CC8.2", "SOC2"]),
        ("", [], []),
    ],
)
def test_criteria_are_ids_of_the_aicpa(text, ids, wrong):
    assert read_ids(text) == (ids, wrong)


@pytest.mark.parametrize(
    ("word", "href"),
    [
        ("CHG-1042", "/changes/1042/"),
        ("c-05", "/controls/C-05/"),
        ("EXC-7", "/exceptions/7/"),
        ("/deploys/?state=x#top", "/deploys/?state=x#top"),
        ("//evil.example/", ""),
        ("https://evil.example/", ""),
        ("javascript:alert(1)", ""),
    ],
)
def test_links_lead_inside_only(word, href):
    assert href_of(word) == href
    assert read_links(word) == (([word], []) if href else ([], [word]))


def test_next_engagement_follows_one_that_was_ended(uma, cleo, mia):
    first = prepared(uma, cleo)
    confirm(first, mia)
    end_engagement(engagement=first, by=mia, at=now())
    second = prepared(uma, cleo)

    confirm(second, mia)

    assert engagement_of(uma, at=now()) == second
    with pytest.raises(Stale):
        end_engagement(engagement=first, by=mia, at=now())


def test_ended_engagement_is_not_confirmed(uma, cleo, mia):
    engagement = prepared(uma, cleo)
    end_engagement(engagement=engagement, by=mia, at=now())

    with pytest.raises(Stale):
        confirm(engagement, mia)


def test_pages_that_were_read_are_counted():
    _, engagement = admitted()

    assert engagements() == [engagement]
    assert pages_read(engagement) == (0, None)
    assert readings(engagement) == []
    uma, mia = (User.objects.get(name=name) for name in ("Uma", "Mia"))
    for reader, outcome in ((uma, "read"), (uma, "sent"), (uma, "slowed"), (mia, "preview")):
        note(engagement, reader, "/changes/", outcome=outcome)
    sent = engagement.readings.get(outcome="sent")
    assert (pages_read(engagement), len(readings(engagement))) == ((2, sent.at), 4)


@pytest.mark.parametrize("own", [False, True])
def test_palette_finds_an_audit_by_its_name_however_many_are_newer(own, rf, cleo, monkeypatch):
    monkeypatch.setattr(palette, "MOST", 1)
    uma, _ = admitted(name="Old audit of Fly")
    newer = prepared(uma, cleo, name="Newer")
    request = rf.get("/")
    request.user = User.objects.get(name="Mia")
    if own:
        request.auditor = newer

    for words, hits in (("old fly", ["Old audit of Fly"]), ("requests old", ["Requests of Old audit of Fly"]), ("nothing", [])):
        assert [hit.words for hit in audits_called(request, words) if hit.words.endswith("Old audit of Fly")][:1] == (
            [] if own else hits
        )


def test_every_file_of_a_pack_counts_however_it_is_asked_for(uma):
    _, engagement = admitted()
    for path in ("/audits/1/packs/2/file/", "/audits/1/packs/2/file/?x", "/audits/1/packs/12/file/?again=1&a=/file/"):
        note(engagement, uma, path)
    for path in ("/audits/1/populations/1/file/", "/changes/?next=/audits/1/packs/2/file/", "/audits/1/packs/"):
        note(engagement, uma, path)

    assert files_in_last_hour(uma, at=timezone.now()) == 3


def note(engagement, reader, path, **rest):
    ReadLog.objects.create(engagement=engagement, reader=reader, path=path, session_digest="", at=timezone.now(), **rest)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"ends_at": timezone.now() + timedelta(days=200)}, "engagement_at_most_90_days"),
        ({"window_to": YEAR[0]}, "engagement_window_in_order"),
        ({"confirmed_by": "created_by", "confirmed_at": YEAR[0]}, "engagement_confirmed_by_another"),
        ({"confirmed_at": YEAR[0]}, "engagement_confirmed_paired"),
        ({"ended_at": YEAR[0]}, "engagement_ended_paired"),
    ],
)
def test_database_refuses_what_the_action_refuses(change, constraint, uma, cleo):
    people = {"created_by": cleo}
    fields = {
        "name": "x",
        "window_from": YEAR[0],
        "window_to": YEAR[1],
        "starts_at": now(),
        "ends_at": now() + timedelta(days=30),
        "digest": "0" * 64,
        "created_by": cleo,
        "created_at": now(),
    }
    wrong = {key: people.get(value, value) if isinstance(value, str) else value for key, value in change.items()}

    with pytest.raises(IntegrityError, match=constraint):
        Engagement.objects.create(**{**fields, **wrong})


@pytest.mark.django_db(transaction=True)
def test_auditor_who_holds_another_role_is_no_auditor(cleo):
    engineer = person("Pia")
    hold(engineer, Role.ENGINEER)

    with pytest.raises(Refused):
        prepared(engineer, cleo)
