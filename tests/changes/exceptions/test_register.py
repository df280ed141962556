"""The register: who answers, what folds, who judges, what is handed over."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.delivery.models import Repository
from changes.exceptions import actions
from changes.exceptions.actions import Found
from changes.exceptions.kinds import KINDS
from changes.exceptions.models import ExceptionRecord
from changes.exceptions.owning import involved_in, person_behind
from changes.exceptions.queries import Asked, matching
from changes.exceptions.record_page import record_context
from changes.proposals import submitting
from portal.access.scope import Scope
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.changes.people import linked, person

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def repository():
    return Repository.objects.create(name="acme/web", in_scope_from=AT)


def found(key, kind="no_review", *, evidence=None, change=None, at=AT):
    return Found(
        kind=kind,
        subject="#7",
        key=key,
        sentence=f"{key} happened.",
        happened_at=at,
        confirmed=True,
        change=change,
        evidence=evidence or {},
    )


def opened(repository, key="a", *args, at=AT, **more):
    return actions.open_exception(repository=repository, found=found(key, *args, at=at, **more), at=at)


def proposal(by):
    given = {"title": "x", "why": "y", "rollback": "z", "category": "standard", "size": "normal"}
    return submitting.submit(given=given, by=by, ready=True, at=AT)


def kinds(record):
    return [entry.kind for entry in reversed(entries_about(stream=f"exception:{record.pk}"))]


def listed(**asked):
    return {row.key: getattr(row, "repeats", 0) for row in matching(asked=Asked(**asked), scope=Scope())}


def test_the_owner_is_whoever_did_it_else_who_made_it_else_the_chair(repository):
    ann, bob, cleo = person("Ann"), person("Bob"), person("Cleo")
    linked(ann, 11, "ann-codes")
    linked(bob, 12, "bob-codes")

    merged = opened(repository, "merged", evidence={"merged_by": "bob-codes", "merged_by_uid": 12, "author": "ann-codes"})
    made = opened(repository, "made", evidence={"merged_by": "stranger", "author": "Ann-Codes"})
    nobody = opened(repository, "nobody", evidence={"merged_by": "stranger"})
    asked = opened(repository, "asked", change=proposal(ann))

    assert [row.owner for row in (merged, made, nobody, asked)] == [bob, ann, cleo, ann]


def test_an_owner_is_somebody_who_may_answer_and_access_goes_to_compliance(repository):
    rex, mia, cleo = person("Rex"), person("Mia"), person("Cleo")
    linked(rex, 13, "rex-codes")

    weakened = opened(repository, "w", "protection_weakened", evidence={"actor": "rex-codes", "actor_uid": 13})
    access = opened(repository, "g", "access_granted_outside_process", evidence={"actor": "rex-codes", "actor_uid": 13})

    assert (weakened.owner, access.owner) == (cleo, mia)


def test_without_chair_and_compliance_nobody_owns_it(repository):
    assert opened(repository).owner is None


def test_an_account_is_a_person_by_number_then_by_name_then_by_mail(repository):
    ann = person("Ann")
    linked(ann, 11, "ann-codes")

    assert person_behind(login="renamed", uid=11) == ann
    assert person_behind(login="ann-codes", uid=99) is None
    assert person_behind(login="ANN-codes", uid=None) == ann
    assert person_behind(login="ann@northwind.example", uid=None) == ann
    assert person_behind(login="", uid=None) is None


def test_those_whose_doing_it_is_are_all_of_its_accounts_and_of_its_change(repository):
    ann, bob, dev = person("Ann"), person("Bob"), person("Dev")
    linked(bob, 12, "bob-codes")

    alone = opened(repository, "alone", evidence={"merged_by": "bob-codes", "author": "stranger"})
    changed = opened(repository, "changed", evidence={"merged_by": "bob-codes"}, change=proposal(ann))
    pulled = actions.open_exception(repository=repository, found=found("p", change=None), at=AT)

    assert involved_in(alone) == {bob.pk}
    assert involved_in(changed) == {ann.pk, bob.pk}
    assert involved_in(pulled) == frozenset()
    assert dev.pk not in involved_in(changed)


def test_a_change_that_only_an_account_asked_for_involves_nobody_of_the_portal(repository):
    change = proposal(person("Ann"))
    record = opened(repository, "r", change=change)
    record.change.requester_id = None

    assert involved_in(record) == frozenset()


def test_repetitions_fold_into_the_first_that_is_open_and_stand_behind_it(repository):
    by_bob = {"merged_by": "bob-codes"}
    first = opened(repository, "one", evidence=by_bob)
    second = opened(repository, "two", evidence=by_bob, at=AT + DAY)
    other_person = opened(repository, "three", evidence={"merged_by": "ann-codes"})
    other_kind = opened(repository, "four", "no_staging", evidence=by_bob)
    unknown = [opened(repository, key) for key in ("five", "six")]
    late = opened(repository, "late", evidence=by_bob, at=AT + 20 * DAY)

    assert second.folds_into == first
    assert {row.folds_into for row in (first, other_person, other_kind, *unknown, late)} == {None}
    assert listed() == {"one": 1, "three": 0, "four": 0, "five": 0, "six": 0, "late": 0}
    assert set(listed(each=True)) == {"one", "two", "three", "four", "five", "six", "late"}


def test_one_answer_can_be_given_for_all_repetitions_and_each_has_its_own_step(repository):
    person("Mia")
    bob = person("Bob")
    first, second, third = (opened(repository, key, evidence={"merged_by": "b"}) for key in ("one", "two", "three"))
    actions.answer(record=third, outcome="repaired", note="reverted", by=bob, at=AT)

    number = actions.answer_all(record=first, outcome="explained", note="the reviewer was ill", by=bob, at=AT)

    assert number == 2
    assert kinds(second) == ["exception.found", "exception.explained"]
    assert listed(state="explained") == {"one": 1}
    assert listed(state="repaired") == {"three": 0}


def test_one_act_about_an_organisation_is_one_exception_wherever_it_is_found(repository):
    api = Repository.objects.create(name="acme/api", in_scope_from=AT)
    act = {"actor": "rex", "organisation": "acme"}
    first = opened(repository, "one", "access_granted_outside_process", evidence=act)
    second = opened(api, "two", "access_granted_outside_process", evidence=act)
    opened(api, "three", "access_granted_outside_process", evidence={"actor": "rex"})

    assert second.folds_into == first
    assert listed() == {"one": 1, "three": 0}
    assert listed(repository="acme/api") == {"two": 0, "three": 0}
    seen = matching(asked=Asked(), scope=Scope(repositories=frozenset({"acme/api"})))
    assert {row.key for row in seen} == {"two", "three"}
    here = {"reader": person("Zoe"), "at": AT, "bound": {}}
    for names, folded in (({"acme/web", "acme/api"}, [second]), ({"acme/web"}, [])):
        page = record_context(record=first, scope=Scope(repositories=frozenset(names)), **here)
        assert (list(page["folded"]), page["folded_alike"], page["folds_into"]) == (folded, len(folded), None)
    assert record_context(record=second, scope=Scope(), **here)["folds_into"] == first
    assert record_context(record=second, scope=Scope(repositories=frozenset({"acme/api"})), **here)["folds_into"] is None
    assert actions.answer_all(record=first, outcome="explained", note="On call.", by=person("Ann"), at=AT) == 2
    assert listed() == {"three": 0}


def test_what_repeats_an_answered_one_is_a_first_one_again(repository):
    bob = person("Bob")
    first = opened(repository, "one", evidence={"merged_by": "b"})
    actions.answer(record=first, outcome="explained", note="x", by=bob, at=AT)

    again = opened(repository, "two", evidence={"merged_by": "b"})

    assert again.folds_into is None


def test_an_answer_is_judged_by_somebody_who_oversees_and_took_no_part(repository):
    ann, bob, cleo, dev = person("Ann"), person("Bob"), person("Cleo"), person("Dev")
    linked(dev, 14, "dev-codes")
    record = opened(repository, "one", evidence={"merged_by": "dev-codes"})
    with pytest.raises(Stale):
        actions.judge(record=record, note="", by=cleo, at=AT)
    actions.answer(record=record, outcome="explained", note="ill", by=ann, at=AT)

    with pytest.raises(Refused, match="architecture"):
        actions.judge(record=record, note="", by=bob, at=AT)
    with pytest.raises(Refused, match="took part"):
        actions.judge(record=record, note="", by=dev, at=AT)
    judged = actions.judge(record=record, note="fine", by=cleo, at=AT)

    assert (judged.judged_by, judged.judged_at) == (cleo, AT)
    assert kinds(record)[-1] == "exception.judged"
    with pytest.raises(Stale):
        actions.judge(record=record, note="", by=person("Mia"), at=AT)


def test_nobody_judges_their_own_answer_and_a_new_step_ends_a_judgement(repository):
    cleo, mia = person("Cleo"), person("Mia")
    record = opened(repository)
    actions.answer(record=record, outcome="repaired", note="reverted", by=cleo, at=AT)
    with pytest.raises(Refused, match="gave this answer"):
        actions.judge(record=record, note="", by=cleo, at=AT)
    actions.judge(record=record, note="", by=mia, at=AT)

    actions.answer(record=record, outcome="open", note="it came back", by=mia, at=AT)

    record.refresh_from_db()
    assert (record.state, record.judged_by) == ("open", None)


def test_one_judgement_can_be_given_for_all_repetitions(repository):
    mia, bob = person("Mia"), person("Bob")
    first, second = (opened(repository, key, evidence={"merged_by": "b"}) for key in ("one", "two"))
    actions.answer_all(record=first, outcome="explained", note="x", by=bob, at=AT)

    assert actions.judge_all(record=first, note="", by=mia, at=AT) == 2
    second.refresh_from_db()
    assert second.judged_by == mia
    assert listed(state="to_judge") == {}


def test_an_exception_is_handed_over_by_its_owner_or_by_who_oversees(repository):
    ann, bob, mia, rex = person("Ann"), person("Bob"), person("Mia"), person("Rex")
    linked(ann, 11, "ann-codes")
    record = opened(repository, "one", evidence={"merged_by": "ann-codes"})

    with pytest.raises(Refused, match="owner"):
        actions.hand_over(record=record, to=bob, by=bob, note="", at=AT)
    with pytest.raises(Refused, match="may not answer"):
        actions.hand_over(record=record, to=rex, by=ann, note="", at=AT)
    actions.hand_over(record=record, to=bob, by=ann, note="he merged it", at=AT)
    last = actions.hand_over(record=record, to=ann, by=mia, note="no", at=AT)

    assert last.owner == ann
    assert kinds(record)[1:] == ["exception.handed_over"] * 2
    actions.answer(record=record, outcome="explained", note="x", by=ann, at=AT)
    with pytest.raises(Stale):
        actions.hand_over(record=record, to=bob, by=mia, note="", at=AT)


def test_what_nobody_owned_can_be_handed_to_somebody(repository):
    record = opened(repository)
    mia = person("Mia")

    assert actions.hand_over(record=record, to=mia, by=mia, note="", at=AT).owner == mia


def test_the_register_filters_by_kind_repository_owner_and_scope(repository):
    ann, other = person("Ann"), Repository.objects.create(name="acme/api", in_scope_from=AT)
    linked(ann, 11, "ann-codes")
    opened(repository, "one", evidence={"merged_by": "ann-codes"})
    opened(other, "two", "no_staging")

    assert set(listed(kind="no_staging")) == {"two"}
    assert set(listed(repository="acme/web")) == {"one"}
    assert set(listed(owner=ann.pk)) == {"one"}
    assert set(listed(state="all", kind="nonsense")) == {"one", "two"}
    inside = Scope(repositories=frozenset({"acme/api"}), window_from=AT - DAY, window_to=AT + DAY)
    assert [row.key for row in matching(asked=Asked(), scope=inside)] == ["two"]


def test_every_kind_leads_to_an_owner_and_folds_by_something_its_evidence_has():
    accounts = {
        "merged_by",
        "queued_by",
        "author",
        "pusher",
        "actor",
        "branch",
        "subject",
        "app",
        "freeze",
        "environment",
        "commit",
    }
    for kind in KINDS.values():
        assert kind.owners, kind
        assert set(kind.folds_by) <= accounts, kind
    assert not any(KINDS[code].noise_by for code in ("no_review", "self_approval", "direct_push", "unapproved_production"))
    assert ExceptionRecord._meta.get_field("owner").null
