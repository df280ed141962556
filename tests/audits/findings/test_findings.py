"""A finding from the auditor's door to its end, the agenda of the architecture team, and the control of P-27."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audits.controls.catalogue import CONTROLS
from audits.controls.result import Window
from audits.controls.rows import rows_of
from audits.engagements.actions import end_engagement
from audits.findings import actions
from audits.findings.actions import Observation, move, open_finding
from audits.findings.agenda import findings_to_look_at
from audits.findings.lifecycle import AFTER, LABELS, Move, State, moves_from, state_after
from audits.findings.models import Finding
from audits.populations.models import Population, PopulationRow
from audits.samples.models import Sample, SampleItem
from portal.access.models import User
from portal.home.inbox import items_for
from portal.ledger.models import LedgerLeaf
from portal.policy.clauses import Clause
from portal.policy.refusal import Refused, Stale
from tests.audits.controls.independent import counted
from tests.audits.engagements.opened import YEAR, admitted, prepared
from tests.database import cover
from tests.portal.access.people import person

CONTROL = CONTROLS[Clause.AUDITED]


def observation(owner: User, **rest) -> Observation:
    wish = {
        "title": "Late answers",
        "text": "Seen.",
        "severity": "high",
        "owner": owner,
        "due_at": timezone.now() + timedelta(days=9),
    }
    return Observation(**{**wish, **rest})


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.django_db(transaction=True)
def test_a_finding_is_closed_only_after_a_retest_that_it_passed():
    uma, engagement = admitted()
    rex, mia = person("Rex"), User.objects.get(name="Mia")
    auditor, owner, compliance = signed_in(uma), signed_in(rex), signed_in(mia)
    with transaction.atomic():
        item = item_of(engagement)
    day = str(timezone.now().date() + timedelta(days=9))
    wish = {
        "title": "Late answers",
        "text": "Seen.",
        "severity": "high",
        "owner": rex.pk,
        "due": day,
        "control": "C-29",
        "item": item.pk,
        "links": "",
    }
    here = [engagement.pk, 1]

    wrong = auditor.post(reverse("open-finding", args=[engagement.pk]), {**wish, "due": "2020-01-01", "text": "Kept."})
    assert wrong.status_code == 422
    assert all(words in wrong.content.decode() for words in ("That day is over", "Kept."))
    assert auditor.post(reverse("open-finding", args=[engagement.pk]), wish).status_code == 302
    found, now = Finding.objects.get(), timezone.now()
    page = reverse("audit-finding", args=here)
    assert 'href="/controls/C-29/"' in auditor.get(page).content.decode()
    assert [(point.title, point.href, point.key) for point in findings_to_look_at(now)] == [
        ("Late answers", page, f"finding:{found.pk}")
    ]
    asked = [(item.title, item.href) for item in items_for(user=rex, at=now) if item.href != "/setup/"]
    assert asked == [("Respond to a finding", page)]
    assert signed_in(person("Bob")).get(page).status_code == 404

    def step(client: Client, name: str, **values: str) -> int:
        return client.post(reverse(name, args=here), {"text": "Said.", **values}).status_code

    assert step(compliance, "retest-finding", result="pass") == 422
    assert step(compliance, "respond-finding") == 422
    assert step(auditor, "respond-finding") == 403
    assert step(owner, "close-finding") == 403
    assert step(owner, "respond-finding", text=" ") == 422
    assert [step(owner, "respond-finding"), step(owner, "correct-finding")] == [302, 302]
    assert [item.act for item in items_for(user=mia, at=now)] == ["Retest"]
    assert [items_for(user=one, at=now) for one in (uma, person("Una", "auditor"))] == [[], []]
    assert step(auditor, "retest-finding") == 422
    assert step(auditor, "retest-finding", result="fail") == 302
    assert [step(owner, "respond-finding"), step(owner, "correct-finding")] == [302, 302]
    assert step(auditor, "retest-finding", result="pass") == 302
    assert [step(auditor, "close-finding"), step(auditor, "close-finding")] == [302, 422]
    assert step(auditor, "reopen-finding") == 302
    with CaptureQueriesContext(connection) as queries:
        assert page in compliance.get(reverse("audit-findings", args=[engagement.pk])).content.decode()
        assert "Sample 1, CHG-1" in compliance.get(page).content.decode()
    asked = " ".join(query["sql"] for query in queries)
    assert [column for column in ('."sheet"', '."plan"', '."line"') if column in asked] == []

    states = list(found.steps.order_by("number").values_list("state", flat=True))
    assert states == ["open", "responded", "corrected", "open", "responded", "corrected", "retested", "closed", "open"]
    kinds = LedgerLeaf.objects.filter(stream=f"finding:{found.pk}").order_by("stream_seq").values_list("kind", flat=True)
    assert list(kinds)[-3:] == ["finding.retest_passed", "finding.closed", "finding.reopened"]
    with pytest.raises(IntegrityError, match="does not follow"), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audits_findingstep (finding_id, number, move, state, text, by_id, at)"
            f" VALUES ({found.pk}, 10, 'close', 'closed', 'x', {mia.pk}, now())"
        )


@pytest.mark.django_db
def test_a_finding_is_refused_in_words_and_goes_on_when_the_audit_is_over(monkeypatch):
    uma, engagement = admitted()
    rex, mia, now = person("Rex"), User.objects.get(name="Mia"), timezone.now()
    other = item_of(admitted_to_another())
    for wish, by in (
        (observation(rex, due_at=now), uma),
        (observation(uma), mia),
        (observation(mia), mia),
        (observation(rex, control="C-99"), uma),
        (observation(rex, item=other), uma),
        (observation(rex), rex),
    ):
        with pytest.raises(Refused):
            open_finding(engagement=engagement, observation=wish, by=by, at=now)
    found = open_finding(engagement=engagement, observation=observation(rex, item=item_of(engagement)), by=uma, at=now)
    with pytest.raises(Refused):
        move(finding=found, step=Move.RESPOND, text="x", by=mia, at=now)
    with pytest.raises(Refused):
        move(finding=found, step=Move.HOLDS, text="x", by=rex, at=now)
    with pytest.raises(Refused):
        move(finding=found, step=Move.RESPOND, text=" ", by=rex, at=now)
    with pytest.raises(Stale, match="Open"):
        move(finding=found, step=Move.HOLDS, text="x", by=mia, at=now)
    monkeypatch.setattr(actions, "state_of", lambda finding: (0, State.OPEN))
    with pytest.raises(Stale, match="at the same moment"):
        move(finding=found, step=Move.RESPOND, text="x", by=rex, at=now)
    monkeypatch.undo()

    end_engagement(engagement=engagement, by=mia, at=now)
    with pytest.raises(Refused, match="not open"):
        open_finding(engagement=engagement, observation=observation(rex), by=mia, at=now)
    for step, by in ((Move.RESPOND, rex), (Move.CORRECT, rex), (Move.HOLDS, mia), (Move.CLOSE, mia)):
        move(finding=found, step=step, text="x", by=by, at=now)
    assert list(findings_to_look_at(now)) == []


@pytest.mark.django_db
def test_control_wants_an_audit_in_twelve_months_and_findings_closed_in_time():
    now = timezone.now()
    assert list(rows_of(control=CONTROL, window=Window(now - timedelta(days=90), now))) == []

    uma, engagement = admitted()
    rex, mia, now = person("Rex"), User.objects.get(name="Mia"), timezone.now()
    found = open_finding(engagement=engagement, observation=observation(rex, severity="low"), by=uma, at=now)
    late, after = now + timedelta(days=10), now + timedelta(days=11)

    def rows(*, since, until) -> list[tuple[str, str]]:
        read = list(rows_of(control=CONTROL, window=Window(since, until)))
        assert counted("C-27", Window(since, until)) == (len(read), sum(row.deviates for row in read))
        return [(row.key, row.sentence) for row in read]

    audit = (f"audit {engagement.pk}", "")
    assert rows(since=now, until=now + timedelta(days=2)) == [audit, (f"finding {found.pk}", "")]
    assert rows(since=now, until=late)[1][1].endswith("and is not closed.")
    assert [point.note.startswith("Late since") for point in findings_to_look_at(late)] == [True]
    for step, by in ((Move.RESPOND, rex), (Move.CORRECT, rex), (Move.HOLDS, mia), (Move.CLOSE, mia)):
        move(finding=found, step=step, text="x", by=by, at=late)
    assert rows(since=now, until=after)[1][1].endswith("and closed late.")
    assert rows(since=after, until=after + timedelta(days=1)) == [audit]
    assert rows(since=now + timedelta(days=500), until=now + timedelta(days=510))[0][0] == "audit of the year"


def test_every_state_has_a_word_and_a_way_to_the_end():
    assert set(LABELS) == set(State)
    assert {state_after("", step) for step in Move} == {None, State.OPEN}
    assert moves_from(State.RETESTED) == (Move.CLOSE, Move.REOPEN)
    assert {before for before, _ in AFTER} == {"", *State}


def admitted_to_another():
    una, cleo = person("Una", "auditor"), User.objects.get(name="Cleo")
    return prepared(una, cleo, name="Another audit")


def item_of(engagement) -> SampleItem:
    by, at = User.objects.get(name="Mia"), timezone.now()
    population = Population.objects.create(
        engagement=engagement,
        number=1,
        kind="changes",
        since=YEAR[0],
        until=YEAR[1],
        count=1,
        digest="0" * 64,
        sheet={},
        sheet_digest="0" * 64,
        rules_version="1",
        frozen_by=by,
        frozen_at=at,
    )
    row = PopulationRow.objects.create(population=population, position=1, key="CHG-1", line="{}")
    sample = Sample.objects.create(
        engagement=engagement,
        population=population,
        number=1,
        method="by_hand",
        reason="x",
        size=1,
        algorithm="1",
        digest="0" * 64,
        drawn_by=by,
        drawn_at=at,
    )
    item = SampleItem.objects.create(sample=sample, position=1, row=row, sheet={}, sheet_digest="0" * 64, added_by=by, added_at=at)
    cover(population, sample, item)
    return item
