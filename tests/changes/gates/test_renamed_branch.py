"""The main branch gets another name at the forge, and then in the portal: real deliveries, readings and Git."""

from datetime import timedelta

import pytest

from changes.completeness.populations import lone_commits
from changes.connectors.actions import connect_github
from changes.delivery.models import BranchCommit, Repository
from changes.exceptions.models import ExceptionRecord
from changes.gates.models import Verdict
from portal.ledger.queries import entries_about
from tests.changes.gates.company import SECRET, WEB, company, github_standin

__all__ = ["company", "github_standin"]
pytestmark = pytest.mark.django_db(transaction=True)


def reconnect(company, main):
    """The portal learns the new name."""
    web = Repository.objects.get()
    connect_github(
        repository=WEB,
        secret=SECRET,
        main=main,
        prod="prod",
        at=company.clock(),
        api_url=company.github.api_url,
        token=company.github.app_private_key,
        app_id=company.github.app_id,
        installation_id=company.github.installation_id,
        clone_url=web.clone_url,
    )


def rename_at_the_forge(company):
    """Main becomes trunk, as GitHub renames: protected (but with no check), the default, and the old name is gone."""
    github = company.github
    github.git(WEB).write("refs/heads/trunk", github.tip(WEB, "refs/heads/main"))
    github.set_protection(repository=WEB, branch="trunk", by="rex", checks=(), at=company.then())
    github.set_default_branch(repository=WEB, branch="trunk", by="rex")
    github.delete_branch(repository=WEB, branch="main", by="rex", at=company.then())


def records():
    return dict(ExceptionRecord.objects.order_by("id").values_list("key", "state"))


def lone():
    rows = BranchCommit.objects.filter(pk__in=lone_commits(repositories=Repository.objects.all()))
    return sorted(rows.values_list("sha", flat=True))


def merged(company, method):
    """Work of two commits, reviewed, green and merged. Returns its number."""
    company.commit(f"ann/{method}", {f"app/{method}.py": "1\n"})
    number, _ = company.ready(f"ann/{method}")
    company.merge(number, method=method)
    return number


def test_a_renamed_main_branch_stays_the_same_with_everything_on_record(company):
    numbers = [merged(company, method) for method in ("merge", "rebase")]
    pushed = company.commit("main", {"app/quick.py": "1\n"}, by="rex")
    promotion = company.promote()
    company.work()
    company.look()
    before, verdicts, seen = records(), Verdict.objects.count(), set(BranchCommit.objects.values_list("sha", "seen_at"))
    assert lone() == [pushed]

    rename_at_the_forge(company)
    number, _ = company.ready("ann/after", base="trunk")
    company.merge(number)
    long_ago = company.at - timedelta(days=900)
    hidden = company.github.commit(
        repository=WEB, branch="trunk", files={"app/old.py": "1\n"}, author="rex", message="Old", at=long_ago
    )["sha"]
    company.look()
    between = records()
    reconnect(company, "trunk")
    company.work()
    assert records() == between
    company.look()

    after, web = records(), Repository.objects.get()
    assert [(one["was"], one["name"], "waits" in one) for one in web.former_branches] == [("main", "trunk", False)]
    assert {key: between[key] for key in before} == before
    assert {key: after[key] for key in between} == between
    new = {key.rpartition(":")[2]: key for key in after if key not in between}
    assert sorted(new) == ["direct_push", "protection_weakened"]
    assert new["direct_push"] == f"{web.key}:push:main:{hidden}:direct_push"
    weaker = ExceptionRecord.objects.get(key=new["protection_weakened"])
    assert "what guards trunk became weaker: no longer required: ci / tests" in weaker.sentence
    assert lone() == sorted([pushed, hidden])
    assert {company.row(one).base_ref for one in (*numbers, number)} == {"trunk"}
    assert company.row(promotion).head_ref == "trunk"
    assert company.gate(number, "review")[0] == "met"
    assert Verdict.objects.count() == verdicts
    assert seen <= set(BranchCommit.objects.values_list("sha", "seen_at"))
    assert set(BranchCommit.objects.filter(gone_at=None).values_list("branch", flat=True)) == {"trunk", "prod"}
    assert not BranchCommit.objects.exclude(gone_at=None).exists()
    [entry] = [one for one in entries_about(stream=f"repository:{web.pk}") if one.kind == "repository.branch_renamed"]
    assert (entry.fact["pull_requests"], entry.fact["common"]) == (2, pushed)

    company.github.label(repository=WEB, number=numbers[0], label="later", by="ann", at=company.then())
    company.look()
    assert (company.row(numbers[0]).base_ref, company.row(numbers[0]).labels) == ("trunk", ["later"])
    assert records() == after
    assert lone() == sorted([pushed, hidden])
