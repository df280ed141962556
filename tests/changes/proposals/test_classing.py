"""A person's word on the classes of a change: who may, what it does, what it leaves on record."""

from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, transaction

from changes.delivery.models import PullRequest, Repository
from changes.proposals import actions, submitting
from changes.proposals.classing import choose_class
from changes.proposals.models import Approval, ApprovalLapse, Change, ClassChoice
from changes.proposals.refreshing import refresh
from portal.ledger.queries import entries_about
from portal.policy.refusal import Refused, Stale
from tests.changes.people import linked, person

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
GIVEN = {"title": "Split the queue", "why": "slow", "rollback": "redeploy", "category": "standard", "size": "normal"}
ANN = 4001


@pytest.fixture
def change():
    """Ann's change in review, with one open pull request of hers."""
    ann = person("Ann")
    linked(ann, ANN, "ann")
    change = submitting.submit(given=GIVEN, by=ann, ready=True, at=AT)
    repository = Repository.objects.create(name="acme/web", in_scope_from=AT)
    row = PullRequest.objects.create(
        repository=repository,
        number=1,
        title="Split",
        state="open",
        author_uid=ANN,
        author_login="ann",
        head_ref="split",
        head_sha="a" * 40,
        base_ref="main",
        paths=["app/queue.py"],
        additions=5,
        deletions=5,
        opened_at=AT,
        reported_at=AT,
        touched_at=AT,
    )
    actions.link(change=change, pull_request=row, role="work", reason="test", actor="portal", at=AT)
    refresh(change=change, at=AT)
    return change


def choose(change, name, value, by, reason=""):
    return choose_class(change=change, name=name, value=value, reason=reason, by=by, at=AT)


def touch(change, **values):
    """The pull request changes, and the change follows."""
    PullRequest.objects.filter(links__change=change).update(**values)
    refresh(change=change, at=AT)
    change.refresh_from_db()


def test_an_engineer_raises_at_once_and_it_is_on_record(change):
    choice = choose(change, "size", "large", Change.objects.get().requester)

    change.refresh_from_db()
    assert change.size == "large"
    assert change.reasons["size"][0] == "Ann raised it to large."
    assert (choice.was, choice.lowers, choice.causes) == ("normal", False, [])
    entries = entries_about(stream=f"change:{change.number}")
    assert [entry.kind for entry in entries[:2]] == ["change.classified", "change.class_raised"]
    assert entries[1].fact["by_rule"] == "normal"


@pytest.mark.parametrize("name", ["Cleo", "Dev", "Mia"])
def test_who_oversees_lowers_with_a_reason(change, name):
    touch(change, paths=["dns/README.md"])
    assert change.size == "large"

    choice = choose(change, "size", "normal", person(name), "  Only a comment. ")

    change.refresh_from_db()
    assert change.size == "normal"
    assert change.reasons["size"][:2] == [f"{name} lowered it to normal: Only a comment.", "By rule it would be large:"]
    assert (choice.lowers, choice.reason, choice.causes) == (True, "Only a comment.", ["dns:dns/README.md"])
    assert entries_about(stream=f"change:{change.number}")[1].kind == "change.class_lowered"


@pytest.mark.parametrize("name", ["Ann", "Bob"])
def test_others_do_not_lower(change, name):
    touch(change, paths=["dns/README.md"])
    by = Change.objects.get().requester if name == "Ann" else person(name)

    with pytest.raises(Refused, match=f"P-19: {name} may raise a class and not lower it"):
        choose(change, "size", "normal", by, "Only a comment.")
    assert not ClassChoice.objects.exists()


@pytest.mark.parametrize("name", ["Uma", "Rex"])
def test_who_does_not_work_on_changes_raises_nothing(change, name):
    with pytest.raises(Refused, match="P-19"):
        choose(change, "size", "large", person(name))


def test_lowering_needs_a_reason(change):
    touch(change, paths=["dns/README.md"])

    with pytest.raises(Refused, match="P-05: Lowering a class needs a reason"):
        choose(change, "size", "normal", person("Cleo"), " \n ")


@pytest.mark.parametrize("how", ["requester", "contributor"])
def test_nobody_lowers_the_class_of_the_own_change(change, how):
    cleo = person("Cleo")
    if how == "requester":
        actions.name_requester(change=change, person=cleo, actor="portal", at=AT)
    else:
        linked(cleo, 4002)
        touch(change, commit_people=[{"uid": 4002, "login": "cleo", "name": "", "email": "", "role": "author"}])
    touch(change, paths=["dns/README.md"])

    with pytest.raises(Refused, match="P-03"):
        choose(change, "size", "normal", cleo, "It is small.")


def test_a_lowered_class_holds_until_the_rules_see_more(change):
    touch(change, paths=["dns/README.md"])
    choose(change, "size", "normal", person("Cleo"), "Only a comment.")

    touch(change, title="Split it")
    assert change.size == "normal"
    touch(change, paths=["dns/README.md", "dns/a.zone"])

    assert change.size == "large"
    assert change.reasons["size"][0].startswith("Cleo had lowered it to normal, which holds no longer")


def test_the_newest_word_counts(change):
    cleo = person("Cleo")
    choose(change, "kind", "secrets", cleo)
    choose(change, "kind", "infrastructure", cleo, "No secret after all.")
    choose(change, "kind", "database", cleo)

    change.refresh_from_db()
    assert (change.kind, ClassChoice.objects.count()) == ("database", 3)


def test_a_new_class_ends_the_approvals_visibly(change):
    bob = person("Bob")
    actions.approve(change=change, by=bob, verdict="yes", note="", authenticated_at=AT, at=AT)

    choose(change, "kind", "database", bob)

    change.refresh_from_db()
    assert ApprovalLapse.objects.get().reason == "the change was classed anew: kind database"
    assert change.state == "proposed"


def test_new_paths_that_class_it_anew_end_the_approvals_too(change):
    actions.approve(change=change, by=person("Bob"), verdict="yes", note="", authenticated_at=AT, at=AT)

    touch(change, paths=["fly.toml"])

    assert (change.kind, change.state) == ("infrastructure", "proposed")
    assert ApprovalLapse.objects.get().reason == "the change was classed anew: kind infrastructure"


def test_the_plus_one_of_an_emergency_outlives_what_is_read_about_its_files(change):
    touch(change, labels=["emergency"])
    actions.plus_one(change=change, by=person("Bob"), via="portal", authenticated_at=AT, at=AT)

    touch(change, paths=["fly.toml"])

    assert (change.category, change.kind) == ("emergency", "infrastructure")
    assert Approval.objects.filter(lapse=None).count() == 1


def test_an_emergency_that_is_none_is_lowered_and_its_word_ends(change):
    touch(change, labels=["emergency"])
    actions.plus_one(change=change, by=person("Bob"), via="portal", authenticated_at=AT, at=AT)

    choose(change, "category", "standard", person("Cleo"), "It can wait for Monday.")

    change.refresh_from_db()
    assert change.category == "standard"
    assert ApprovalLapse.objects.get().reason == "the change was classed anew: category standard"


def test_an_emergency_is_declared_and_not_chosen(change):
    with pytest.raises(Refused, match="P-21: An emergency is declared"):
        choose(change, "category", "emergency", Change.objects.get().requester, "The shop is down.")


WORDS = {"no class": ("weather", "bad"), "no value": ("size", "huge"), "another class's value": ("size", "database")}


@pytest.mark.parametrize(("name", "value"), WORDS.values(), ids=WORDS.keys())
def test_only_words_of_the_policy(change, name, value):
    with pytest.raises(Refused, match="P-05"):
        choose(change, name, value, Change.objects.get().requester)


def test_the_class_that_it_has_already_is_stale(change):
    with pytest.raises(Stale, match="The size of CHG-1001 is normal already"):
        choose(change, "size", "normal", Change.objects.get().requester)


def merged_to_prod(change):
    touch(change, base_ref="prod", state="merged", merged_at=AT, merge_sha="b" * 40)
    assert change.state == "merged"


def test_after_the_merge_nothing_is_lowered_and_size_and_kind_may_still_be_raised(change):
    touch(change, paths=["dns/README.md"])
    merged_to_prod(change)
    cleo = person("Cleo")

    with pytest.raises(Stale, match="merged to production; its classes stand"):
        choose(change, "size", "normal", cleo, "It was small.")
    with pytest.raises(Stale):
        choose(change, "kind", "application", cleo, "No.")
    touch(change, paths=["app/web.py"])
    choose(change, "size", "large", cleo)

    change.refresh_from_db()
    assert change.size == "large"


def test_a_withdrawn_change_keeps_its_classes(change):
    actions.press(change=change, verb="withdraw", by=Change.objects.get().requester, at=AT)

    with pytest.raises(Stale, match="withdrawn; its classes stand"):
        choose(change, "size", "large", Change.objects.get().requester)


def test_a_choice_is_evidence(change):
    choose(change, "size", "large", Change.objects.get().requester)

    with pytest.raises(DatabaseError), transaction.atomic():
        ClassChoice.objects.update(value="normal")
