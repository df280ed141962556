"""What happens to pull requests at a real forge, told by official payloads and read again over HTTP: what the gates make of it."""

import pytest

from changes.delivery.models import MergeGroup, PullRequest, Push, Repository
from changes.exceptions.models import ExceptionRecord
from changes.gates.models import Verdict
from changes.proposals import actions
from changes.proposals.models import ApprovalLapse, Change
from portal.outbox.models import Effect
from portal.policy.refusal import Refused
from tests.changes.gates.company import WEB, company, github_standin

__all__ = ["company", "github_standin"]
pytestmark = pytest.mark.django_db(transaction=True)


def approve(company, number, who="Cleo"):
    """An approval in the portal, now."""
    at = company.clock()
    change = company.change(number)
    return actions.approve(change=change, by=company.people[who], verdict="yes", note="", authenticated_at=at, at=at)


# --- how it is merged --------------------------------------------------------------------------------------------------


def test_a_merge_queue_tests_its_own_head_and_what_it_says_there_counts(company):
    number, head = company.ready("ann/queue")
    company.work()
    group = company.github.enqueue(repository=WEB, number=number, by="bob", at=company.then())
    company.work()

    assert MergeGroup.objects.get().head_sha == group["head_sha"]
    assert company.gate(number, "ci") == ("met", f"{WEB}#{number}: ci / tests passed on {head[:7]}.")
    company.green(group["head_sha"], conclusion="")
    company.work()
    assert company.gate(number, "ci")[0] == "waiting"
    company.green(group["head_sha"])
    company.github.run_queue(repository=WEB, base="main", at=company.then())
    company.work()

    reason = f"{WEB}#{number}: ci / tests passed on {group['head_sha'][:7]} in the merge queue."
    assert company.gate(number, "ci") == ("met", reason)
    assert company.row(number).merge_sha == group["head_sha"]
    assert company.findings() == []


def test_the_portals_own_check_stands_on_the_head_of_the_queue_at_once(company):
    number, head = company.ready("ann/queue")
    company.work()
    group = company.github.enqueue(repository=WEB, number=number, by="bob", at=company.then())
    company.work()

    heads = set(Effect.objects.filter(kind="github.check_run").values_list("payload__head_sha", flat=True))
    assert {head, group["head_sha"]} <= heads


def test_a_pull_request_that_the_queue_threw_out_is_judged_by_its_head_again(company):
    number, head = company.ready("ann/queue")
    group = company.github.enqueue(repository=WEB, number=number, by="bob", at=company.then())
    company.green(group["head_sha"], conclusion="failure")
    company.work()
    assert company.gate(number, "ci")[0] == "waiting"

    company.github.run_queue(repository=WEB, base="main", at=company.then())
    company.work()

    assert MergeGroup.objects.get().state == "gone"
    assert company.gate(number, "ci") == ("met", f"{WEB}#{number}: ci / tests passed on {head[:7]}.")


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_however_it_is_merged_the_reviewed_head_and_what_became_of_it_belong_together(company, method):
    company.commit("ann/work", message="First")
    company.commit("ann/work", {"app/more.py": "1\n"}, message="Second")
    sha = company.commit("ann/work", {"app/most.py": "2\n"}, message="Third")
    number = company.open("ann/work")
    company.review(number)
    company.green(sha)
    merged = company.merge(number, method=method)
    company.work()
    company.promote()
    company.work()
    company.look()

    change = company.change(number)
    assert (company.row(number).head_sha, company.row(number).merge_sha) == (sha, merged)
    for code in ("review", "ci", "staging"):
        assert company.gate(number, code)[0] == "met", company.gate(number, code)
    assert change.state == "merged"
    assert company.findings() == []


@pytest.mark.parametrize("lost", [("push",), ("push", "pull_request", "pull_request_review", "check_run", "check_suite")])
def test_a_rebase_whose_deliveries_were_lost_is_no_push_by_hand(company, lost):
    company.commit("ann/work", message="First")
    company.commit("ann/work", {"app/more.py": "1\n"}, message="Second")
    sha = company.commit("ann/work", {"app/most.py": "2\n"}, message="Third")
    number = company.open("ann/work")
    company.review(number)
    company.green(sha)
    merged = company.merge(number, method="rebase")
    company.work(lose=lost)

    company.look()
    company.look()

    push = Push.objects.get(after=merged)
    assert (push.confirmed_at is not None, push.pusher_login) == (True, "bob")
    assert company.findings() == []


def test_a_push_by_hand_whose_delivery_was_lost_is_found_with_its_pusher(company):
    pushed = company.github.push_direct(
        repository=WEB, branch="prod", files={"hot.txt": "x\n"}, by="rex", message="Hot fix", at=company.then()
    )["sha"]
    company.work(lose=("push",))

    company.look()

    record = ExceptionRecord.objects.get(kind="direct_push")
    assert (record.subject, record.confirmed) == (f"prod:{pushed[:12]}", True)
    assert record.evidence["pusher"] == "rex"


def test_rewritten_history_whose_delivery_was_lost_is_found(company):
    company.github.push_direct(repository=WEB, branch="prod", files={"a": "1\n"}, by="rex", message="a", at=company.then())
    company.github.set_protection(repository=WEB, branch="prod", by="rex", force_pushes=True, at=company.then())
    company.github.force_push(repository=WEB, branch="prod", by="rex", at=company.then())
    company.work(lose=("push",))

    company.look()

    assert "force_push:prod" in company.findings()


# --- what follows a merge ----------------------------------------------------------------------------------------------


def test_a_revert_is_a_change_of_its_own(company):
    number, _ = company.ready("ann/work", title="CHG-9999: Split the queue")
    company.merge(number)
    company.work()
    first = company.change(number)

    company.commit(f"revert-{number}-ann/work", {"app/ann-work.py": None}, by="bob", message='Revert "Split the queue"')
    revert = company.open(
        f"revert-{number}-ann/work", by="bob", title=f'Revert "{first}: Split the queue"', body=f"Reverts {WEB}#{number}"
    )
    company.work()

    second = company.change(revert)
    assert second != first
    assert second.title == f'Revert "{first}: Split the queue"'
    assert company.gate(revert, "review")[0] == "waiting"
    assert list(first.links.values_list("pull_request__number", flat=True)) == [number]


def test_who_cherry_picks_and_who_wrote_it_both_contributed(company):
    number, _ = company.ready("ann/fix")
    company.merge(number)
    picked = company.commit("bob/pick", {"app/fix.py": "1\n"}, by="ann", committer="bob", message="Fix", start="prod")
    hotfix = company.open("bob/pick", by="bob", title="Fix for production", base="prod")
    company.green(picked)
    company.review(hotfix, by="ann")
    company.work()

    assert company.gate(hotfix, "review") == (
        "waiting",
        f"{WEB}#{hotfix}: approved only by Ann, who contributed to it.",
    )
    company.review(hotfix, by="rex")
    company.work()
    assert company.gate(hotfix, "review")[0] == "met"


def test_a_pull_request_that_is_closed_and_opened_again_is_the_same_change(company):
    number, _ = company.ready("ann/work")
    company.work()
    change = company.change(number)
    company.github.close_pull_request(repository=WEB, number=number, by="ann", at=company.then())
    company.work()
    change.refresh_from_db()
    assert change.state == "withdrawn"
    assert company.gate(number, "pull_request") == ("waiting", f"{WEB}#{number} was closed without a merge.")

    company.github.reopen_pull_request(repository=WEB, number=number, by="ann", at=company.then())
    company.work()

    change.refresh_from_db()
    assert (change.state, Change.objects.count()) == ("proposed", 1)
    assert company.gate(number, "review")[0] == "met"


def test_checks_that_run_again_after_the_merge_leave_the_verdict_as_it_was(company):
    number, sha = company.ready("ann/work")
    company.merge(number)
    company.promote()
    company.work()
    before = Verdict.objects.get(moment="merge")

    company.green(sha, conclusion="failure")
    company.work()

    assert company.gate(number, "ci")[0] == "met"
    assert company.findings() == []
    after = Verdict.objects.get(moment="merge")
    assert (after.facts_digest, after.gates) == (before.facts_digest, before.gates)


def test_checks_that_turn_green_after_the_merge_repair_nothing(company):
    number, sha = company.ready("ann/work")
    company.green(sha, conclusion="failure")
    company.merge(number, by="rex")
    company.green(sha)
    company.work()

    assert company.gate(number, "ci")[0] == "failed"
    assert company.findings() == [f"failed_ci_merged:#{number}"]


# --- names that change -------------------------------------------------------------------------------------------------


def renamed(body):
    return body.replace(b"northwind/web", b"northwind/site").replace(b'"name":"web"', b'"name":"site"')


def test_a_renamed_repository_stays_the_same_with_everything_on_record(company):
    number, _ = company.ready("ann/work")
    company.github.dismiss_review(
        repository=WEB, number=number, review_id=company.review(number, by="rex"), by="rex", at=company.then()
    )
    company.review(number, by="bob", state="changes_requested")
    company.merge(number, by="rex")
    company.promote()
    company.work()
    found, verdicts = company.findings(), Verdict.objects.count()
    assert found == [f"no_review:#{number}"]

    company.github.rename_repository(repository=WEB, to="northwind/site", by="rex")
    company.github.label(repository="northwind/site", number=number, label="later", by="ann", at=company.then())
    company.work()

    web = Repository.objects.get()
    assert (web.name, web.former_names) == ("northwind/site", [WEB])
    assert company.change(number).repository_names == ["northwind/site"]
    assert company.findings() == found
    assert Verdict.objects.count() == verdicts

    company.github.rename_repository(repository="northwind/site", to=WEB, by="rex")
    company.work()

    assert Repository.objects.get().name == WEB
    assert company.change(number).repository_names == [WEB]


def test_a_late_delivery_under_the_old_name_does_not_bring_it_back(company):
    number, _ = company.ready("ann/work")
    company.work()
    company.github.label(repository=WEB, number=number, label="soon", by="ann", at=company.then())
    company.work(change=lambda event, body: renamed(body))
    assert Repository.objects.get().name == "northwind/site"

    company.github.label(repository=WEB, number=number, label="later", by="ann", at=company.then())
    company.work()

    web = Repository.objects.get()
    assert (web.name, web.former_names) == ("northwind/site", [WEB])
    assert "later" in company.row(number).labels


def test_an_account_with_another_name_is_the_same_person(company):
    company.commit("ann/work", by="ann", co_authors=["bob"])
    number = company.open("ann/work")
    company.work()

    def as_robert(event, body):
        return body.replace(b'"login":"bob"', b'"login":"robert"')

    company.review(number, by="bob")
    company.work(change=as_robert)

    PullRequest.objects.get(number=number).reviews.update(login="robert")
    assert company.gate(number, "review")[1].endswith("approved only by Bob, who contributed to it.")


# --- what is pushed after a word ---------------------------------------------------------------------------------------


def test_a_force_push_after_the_approval_ends_it_and_makes_the_review_stale(company):
    number, sha = company.ready("ann/work")
    company.work()
    approve(company, number)

    company.github.force_push(
        repository=WEB, branch="ann/work", by="ann", files={"app/other.py": "1\n"}, message="Other", at=company.then()
    )
    company.work()

    now = company.row(number).head_sha
    assert now != sha
    assert company.gate(number, "review") == ("waiting", f"{WEB}#{number}: Bob approved {sha[:7]}, the head is now {now[:7]}.")
    assert ApprovalLapse.objects.get().reason == f"a new push: the head is {now[:7]} now"
    assert company.change(number).state == "proposed"


def test_a_merge_on_a_stale_review_is_found(company):
    number, sha = company.ready("ann/work")
    newer = company.commit("ann/work", {"app/more.py": "1\n"})
    company.green(newer)
    company.merge(number, by="rex")
    company.work()

    assert company.gate(number, "review") == ("failed", f"{WEB}#{number}: Bob approved {sha[:7]}, merged {newer[:7]}.")
    assert company.findings() == [f"stale_approval:#{number}"]


def test_a_dismissed_review_is_none(company):
    number, sha = company.ready("ann/work")
    review = company.review(number)
    company.github.dismiss_review(repository=WEB, number=number, review_id=review, by="rex", at=company.then())
    company.work()

    assert company.gate(number, "review") == ("waiting", f"{WEB}#{number}: nobody has approved {sha[:7]} yet.")


# --- who made it -------------------------------------------------------------------------------------------------------


def test_a_human_co_author_counts_as_contributor_by_the_address_too(company):
    company.github.add_account(login="cleo", uid=9005, name="C. Chair", email="cleo@northwind.example")
    company.github.add_member(repository=WEB, login="cleo", by="rex")
    trailers = "Work\n\nCo-authored-by: B. <bob@northwind.example>\nCo-authored-by: C. <Cleo@Northwind.example>"
    sha = company.commit("ann/work", message=trailers)
    number = company.open("ann/work")
    company.green(sha)
    company.review(number, by="bob")
    company.work()

    assert company.gate(number, "review") == ("waiting", f"{WEB}#{number}: approved only by Bob, who contributed to it.")
    for name in ("Bob", "Cleo"):
        with pytest.raises(Refused, match="P-03"):
            approve(company, number, name)


def test_a_machine_as_co_author_is_known_and_its_human_still_needs_a_review(company):
    sha = company.commit("ann/work", message="Work\n\nCo-authored-by: Claude <noreply@anthropic.com>")
    number = company.open("ann/work")
    company.green(sha)
    company.work()
    assert company.gate(number, "review") == ("waiting", f"{WEB}#{number}: nobody has approved {sha[:7]} yet.")

    company.review(number)
    company.work()

    assert company.gate(number, "review") == ("met", f"{WEB}#{number}: approved by Bob on {sha[:7]}.")
    people = [person["email"] for person in company.row(number).commit_people]
    assert "noreply@anthropic.com" in people


def test_an_unknown_address_as_author_leaves_the_review_unproven(company):
    company.github.add_account(login="ghost", uid=9009, name="Jo", email="jo@example.test")
    sha = company.commit("ann/work", message="Work\n\nCo-authored-by: Jo <somebody@example.test>")
    number = company.open("ann/work")
    company.green(sha)
    company.review(number)
    company.work()

    state, reason = company.gate(number, "review")
    assert state == "not_connected"
    assert "somebody@example.test" in reason


def test_a_bots_update_is_routine_and_a_person_still_reviews_it(company):
    company.github.add_account(login="renovate[bot]", uid=29139614, kind="Bot")
    company.github.add_account(login="helper[bot]", uid=29139615, kind="Bot")
    for login in ("renovate[bot]", "helper[bot]"):
        company.github.add_member(repository=WEB, login=login, by="rex")
    sha = company.commit("renovate/left-pad", {"package.json": "{}\n", "package-lock.json": "{}\n" * 900}, by="renovate[bot]")
    number = company.open("renovate/left-pad", by="renovate[bot]", title="Update left-pad")
    company.green(sha)
    company.review(number, by="helper[bot]")
    company.work()

    change = company.change(number)
    assert (change.routine, change.size) == (True, "normal")
    assert company.gate(number, "rollback")[0] == "met"
    assert company.gate(number, "review")[0] == "waiting"
    company.review(number)
    company.work()
    assert company.gate(number, "review")[0] == "met"

    company.commit("renovate/left-pad", {"app/fix.py": "1\n"}, by="ann", message="Fix what broke")
    company.work()
    change.refresh_from_db()
    assert not change.routine
    assert company.gate(number, "rollback")[0] == "waiting"


def test_a_branch_named_main_in_a_fork_is_no_promotion(company):
    company.github.add_account(login="mallory", uid=9100, email="mallory@example.test")
    company.github.add_member(repository=WEB, login="mallory", by="rex")
    company.commit("mallory-main", by="mallory", start="prod")
    number = company.open("mallory-main", by="mallory", title="Small fix", base="prod", fork="mallory/web:main")
    company.work()

    row = company.row(number)
    assert (row.head_ref, row.base_ref, row.head_is_fork) == ("main", "prod", True)
    assert list(row.links.values_list("role", flat=True)) == ["work"]
    assert "mallory" in company.gate(number, "pull_request")[1]


def test_another_base_takes_a_pull_request_out_and_in_again(company):
    number, _ = company.ready("ann/work")
    company.work()
    assert company.gate(number, "review")[0] == "met"

    company.github.commit(repository=WEB, branch="feature/big", files={"x": "1\n"}, author="ann", message="x", at=company.then())
    company.github.edit_pull_request(repository=WEB, number=number, by="ann", base="feature/big", at=company.then())
    company.work()
    assert company.gate(number, "review") == ("waiting", "There is no pull request to review yet.")

    company.github.edit_pull_request(repository=WEB, number=number, by="ann", base="prod", at=company.then())
    company.work()
    assert company.gate(number, "merge") == ("waiting", f"{WEB}#{number} is not merged yet.")
    assert Change.objects.count() == 1
