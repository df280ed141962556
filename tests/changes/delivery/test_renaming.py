"""Another name for main: whether it is the same branch, by real Git, and what becomes of what is on record."""

from datetime import timedelta

import pytest

from changes.connectors.actions import connect_github
from changes.connectors.git.mirror import mirror_repository
from changes.connectors.settling import settle
from changes.delivery.actions import record_pull_request, record_push
from changes.delivery.branch_names import first_name, names_of
from changes.delivery.facts import PullRequestReported, PushReported
from changes.delivery.models import BranchCommit, PullRequest, Push, Repository
from changes.delivery.population import uncovered_commits
from changes.delivery.rules import newest, record_rules
from changes.exceptions.actions import reconcile_population
from changes.exceptions.detect import about_population
from changes.exceptions.models import ExceptionRecord
from portal.ledger.queries import entries_about
from tests.changes.delivery.workshop import START, Workshop

pytestmark = pytest.mark.django_db
SCOPE = START + timedelta(minutes=3, seconds=30)
"""Three commits are history."""
LATER = START + timedelta(hours=1)
RENAMED = START + timedelta(hours=2)


@pytest.fixture
def workshop(tmp_path, settings):
    settings.DATA_DIR = tmp_path / "data"
    settings.GIT_PROTOCOLS = ["file"]
    return Workshop(tmp_path / "forge.git")


def connected(workshop, main, *, at=SCOPE, prod="prod"):
    address = f"file://{workshop.folder}"
    return connect_github(repository="northwind/web", secret="s", main=main, prod=prod, at=at, clone_url=address)


def swept(at):
    web = Repository.objects.get()
    found = mirror_repository(repository=web, at=at)
    assert found is not None, web.mirror_error
    return found


def merged(number, sha, base, at=LATER, **more):
    fact = PullRequestReported(
        number=number, title="Work", state="merged", head_ref="topic", head_sha="1" * 40, base_ref=base, merge_sha=sha,
        merged_at=at, vendor_updated_at=at, **more,
    )  # fmt: skip
    return record_pull_request(repository=Repository.objects.get(), fact=fact, at=at, confirmed=True)


def lone(branch="trunk"):
    return [commit.sha for commit in uncovered_commits(repository=Repository.objects.get(), branch=branch)]


def rows(branch):
    return list(BranchCommit.objects.filter(branch=branch, gone_at=None).order_by("position").values_list("sha", flat=True))


@pytest.fixture
def shas(workshop):
    """Three commits from before the scope and three since, each of these brought by a pull request; all of it on record."""
    made = [workshop.commit() for _ in range(6)]
    workshop.point("prod", made[0])
    connected(workshop, "main")
    swept(LATER)
    for number, sha in enumerate(made[3:], start=1):
        merged(number, sha, "main")
    assert lone("main") == []
    return made


def decisions():
    entries = entries_about(stream=f"repository:{Repository.objects.get().pk}")
    return [one.kind for one in entries if one.kind.startswith("repository.branch")]


@pytest.mark.parametrize("old", ["gone", "gone a sweep before", "still there"])
def test_what_pull_requests_brought_is_accounted_for_under_the_new_name(workshop, shas, old):
    workshop.point("trunk", shas[-1])
    if old != "still there":
        workshop.git("update-ref", "-d", "refs/heads/main")
    if old == "gone a sweep before":
        swept(RENAMED - timedelta(minutes=1))
    backdated = workshop.commit("trunk", at=START - timedelta(days=900))
    connected(workshop, "trunk", at=RENAMED)

    found = swept(RENAMED)

    assert (found.changed, found.renamed) == (True, 1)
    assert rows("trunk") == [*shas, backdated]
    assert not BranchCommit.objects.filter(branch="main").exists()
    assert lone() == [backdated]
    assert set(PullRequest.objects.values_list("base_ref", flat=True)) == {"trunk"}
    assert not swept(RENAMED + timedelta(minutes=1)).changed
    assert decisions() == ["repository.branch_renamed"]


def test_what_was_rewritten_before_it_got_its_name_is_found(workshop, shas):
    workshop.point("trunk", shas[4])
    instead = workshop.commit("trunk")
    connected(workshop, "trunk", at=RENAMED)

    swept(RENAMED)

    assert rows("trunk") == [*shas[:5], instead]
    assert lone() == [instead]
    assert BranchCommit.objects.get(sha=shas[5]).gone_at == RENAMED


def test_another_branch_that_is_main_from_now_on_begins_with_its_own_history(workshop, shas):
    workshop.point("develop", shas[1])
    old = workshop.commit("develop", at=START + timedelta(minutes=2))
    since = workshop.commit("develop")
    connected(workshop, "develop", at=RENAMED)

    assert swept(RENAMED).renamed == 1

    assert rows("develop") == [*shas[:2], old, since]
    assert lone("develop") == [since]
    assert set(PullRequest.objects.values_list("base_ref", flat=True)) == {"main"}
    assert Repository.objects.get().former_branches == []
    assert decisions() == ["repository.branch_replaced"]


def test_what_was_found_on_a_branch_stands_when_another_takes_its_place(workshop, shas):
    pushed, web = workshop.commit(), Repository.objects.get()
    swept(LATER)
    reconcile_population(repository=web, found=list(about_population(repository=web)), at=LATER)
    [record] = ExceptionRecord.objects.filter(state="open")
    assert record.evidence["commit"] == pushed

    workshop.point("develop", shas[1])
    workshop.commit("develop", at=START + timedelta(minutes=2))
    connected(workshop, "develop", at=RENAMED)
    swept(RENAMED)
    web = Repository.objects.get()
    reconcile_population(repository=web, found=list(about_population(repository=web)), at=RENAMED)

    record.refresh_from_db()
    assert record.state == "open"


def test_a_push_that_went_to_both_names_is_on_record_under_both(workshop, shas):
    told = {"before": shas[4], "after": shas[5], "forced": False, "deleted": False, "commits": (), "pushed_at": LATER}
    record_push(repository=Repository.objects.get(), fact=PushReported(branch="main", **told), at=LATER)
    workshop.point("trunk", shas[5])
    connected(workshop, "trunk", at=RENAMED)
    record_push(repository=Repository.objects.get(), fact=PushReported(branch="trunk", **told), at=RENAMED)

    assert swept(RENAMED).renamed == 1

    assert sorted(Push.objects.values_list("branch", flat=True)) == ["main", "trunk"]
    assert rows("trunk") == shas


def test_a_branch_of_which_nothing_was_recorded_takes_its_name(workshop):
    workshop.point("prod", workshop.commit())
    connected(workshop, "master")
    connected(workshop, "main", at=RENAMED)

    swept(RENAMED)

    assert [(one["was"], one["name"]) for one in Repository.objects.get().former_branches] == [("master", "main")]


def test_a_name_that_is_not_there_yet_waits_and_one_that_was_written_wrongly_is_corrected(workshop, shas):
    connected(workshop, "trnk", at=RENAMED)
    assert swept(RENAMED).renamed == 0
    assert Repository.objects.get().mirror_error == "The repository has no branch trnk."
    # Nobody looks away from the other branch meanwhile.
    pushed = workshop.commit("prod")
    swept(RENAMED)
    settle(repository=Repository.objects.get(), since=RENAMED, at=RENAMED)
    [record] = ExceptionRecord.objects.filter(kind="direct_push")
    assert record.subject == f"prod:{pushed[:12]}"
    connected(workshop, "trunk", at=RENAMED)
    assert [(one["was"], one["name"]) for one in Repository.objects.get().former_branches] == [("main", "trunk")]
    connected(workshop, "main", at=RENAMED)
    assert Repository.objects.get().former_branches == []
    assert rows("main") == shas


def test_names_that_change_places_are_no_new_names(workshop, shas):
    connected(workshop, "prod", prod="main", at=RENAMED)

    assert Repository.objects.get().former_branches == []
    with pytest.raises(ValueError, match="Take two steps"):
        connected(workshop, "main", prod="release", at=RENAMED)
    assert (Repository.objects.get().main_branch, Repository.objects.get().former_branches) == ("prod", [])


def test_an_old_name_means_the_branch_as_long_as_it_was_its_name(workshop, shas):
    workshop.git("branch", "--move", "main", "trunk")
    connected(workshop, "trunk", at=RENAMED)
    swept(RENAMED)
    web = Repository.objects.get()

    assert merged(7, "7" * 40, "main", RENAMED - timedelta(minutes=1)).base_ref == "trunk"
    assert merged(8, "8" * 40, "main", RENAMED + timedelta(minutes=1)).base_ref == "main"
    promotion = {"base": "prod", "at": RENAMED - timedelta(minutes=1)}
    assert merged(9, "9" * 40, **promotion, head_is_fork=False).head_ref == "topic"
    push = PushReported(branch="main", before=shas[0], after=shas[1], forced=False, deleted=False, commits=(), pushed_at=LATER)
    kept = record_push(repository=web, fact=push, at=RENAMED)
    assert kept is not None
    assert kept.branch == "trunk"

    workshop.git("branch", "--move", "trunk", "main")
    connected(workshop, "main", at=RENAMED + timedelta(hours=1))
    swept(RENAMED + timedelta(hours=1))
    web = Repository.objects.get()

    assert (rows("main"), rows("trunk"), lone("main")) == (shas, [], [])
    assert (names_of(repository=web, name="main"), first_name(repository=web, name="main")) == (["main", "trunk", "main"], "main")
    assert merged(7, "7" * 40, "main", RENAMED - timedelta(minutes=1)).base_ref == "main"


def test_rules_are_compared_with_those_under_the_old_name(workshop, shas):
    def read(branch, reviews, at):
        return record_rules(
            repository=Repository.objects.get(), subject=f"branch:{branch}", rules={"reviews": reviews}, at=at,
            compare=lambda before, after: ([f"{before['reviews']} became {after['reviews']}"], []),
        )  # fmt: skip

    first = read("main", 2, LATER)
    workshop.git("branch", "--move", "main", "trunk")
    connected(workshop, "trunk", at=RENAMED)
    swept(RENAMED)

    assert newest(repository=Repository.objects.get(), subject="branch:trunk") == first
    assert read("trunk", 0, RENAMED).differences == ["2 became 0"]
    assert newest(repository=Repository.objects.get(), subject="repository") is None
