"""Rules and repositories over time, against the stand-in: snapshots, bypasses, names, and a second pass that costs nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from changes.connectors.models import Reading, Source
from changes.connectors.polling import poll_due
from changes.connectors.readings import read_due
from changes.delivery.models import Repository
from changes.delivery.rule_models import RulesSnapshot, RuleSuite
from changes.exceptions.models import ExceptionRecord
from changes.inventory.models import Asset
from portal import vault
from tests.portal.standins.life import WEB
from tests.standins import github_standin, northwind

__all__ = ["github_standin", "northwind"]
MINE, CI = "Countersign", "ci / tests"


class Clock:
    """Polls and readings, eleven minutes apart."""

    def __init__(self):
        self.at = datetime.now(UTC)

    def turn(self):
        self.at += timedelta(minutes=11)
        poll_due(now=lambda: self.at)
        while read_due(now=lambda: self.at):
            pass


@pytest.fixture
def clock(transactional_db, settings, northwind) -> Clock:
    settings.CONNECTOR_PRIVATE_HOSTS = ["127.0.0.1"]
    made = Clock()
    values = {"token_encrypted": vault.seal(northwind.token()), "connected_at": made.at}
    Source.objects.create(name="github", kind="github", api_url=northwind.api_url, **values)
    Repository.objects.create(name=WEB, in_scope_from=made.at - timedelta(days=1))
    return made


def kinds(**wanted):
    return sorted(ExceptionRecord.objects.filter(**wanted).values_list("kind", flat=True))


def newest(subject):
    return RulesSnapshot.objects.filter(subject=subject).order_by("-id").first()


def test_a_second_pass_over_an_unchanged_repository_costs_nothing(clock, northwind):
    northwind.deploy(repository=WEB, environment="staging", sha=northwind.tip(WEB, "refs/heads/main"), by="ann")
    clock.turn()
    used = northwind.api.quota._used.copy()
    asked = []
    plain = northwind.api.answer
    northwind.api.answer = lambda request: asked.append((request.path, answer := plain(request))) or answer

    clock.turn()

    assert not Reading.objects.filter(done_at=None).exists()
    assert len(asked) > 10
    assert {path for path, answer in asked if answer.status != 304} == set()
    assert northwind.api.quota._used == used, "nothing was counted"
    assert Asset.objects.get(kind="github.environment").environment == "staging"
    assert RulesSnapshot.objects.count() == 4, "main, prod, staging and the repository, once each"


def test_rules_are_kept_over_time_and_what_loosens_them_is_found(clock, northwind):
    northwind.set_ruleset(repository=WEB, name="prod rules", by="rex", checks=(MINE, CI), reviews=2)
    clock.turn()
    assert kinds() == ["check_not_required"], "required, but anybody could write it"

    northwind.delete_ruleset(repository=WEB, name="prod rules", by="rex")
    clock.turn()

    made = newest("branch:prod")
    assert "approving reviews required: 2 became 1" in made.weaker
    assert f"no longer required: {MINE}" in made.weaker
    assert (made.after, made.read_at) == (clock.at - timedelta(minutes=11), clock.at)
    assert kinds() == ["check_not_required", "protection_weakened"]
    found = ExceptionRecord.objects.get(kind="protection_weakened")
    assert found.evidence["after"] == made.after.isoformat()
    clock.turn()
    assert kinds() == ["check_not_required", "protection_weakened"], "found once"


def test_a_bypass_is_a_fact_and_an_exception(clock, northwind):
    sha = northwind.tip(WEB, "refs/heads/prod")
    northwind.bypass(repository=WEB, branch="prod", after=sha, by="rex")
    northwind.bypass(repository=WEB, branch="main", after=sha, by="ann", result="fail")
    northwind.bypass(repository=WEB, branch="main", after=sha, by="bob", result="pass")

    clock.turn()
    clock.turn()

    assert sorted(RuleSuite.objects.values_list("branch", "result", "actor_login")) == [
        ("main", "fail", "ann"),
        ("prod", "bypass", "rex"),
    ]
    found = ExceptionRecord.objects.get(kind="rule_bypassed")
    assert found.sentence == f"rex took {sha[:7]} past the rules of prod."


def test_a_renamed_transferred_and_archived_repository_stays_the_same_one(clock, northwind):
    clock.turn()
    northwind.rename_repository(repository=WEB, to="northwind/shop", by="rex")
    clock.turn()
    northwind.rename_repository(repository="northwind/shop", to="eastwind/shop", by="rex")
    northwind.set_default_branch(repository="eastwind/shop", branch="prod", by="rex")
    northwind.archive_repository(repository="eastwind/shop", by="rex")
    clock.turn()

    repository = Repository.objects.get()
    assert (repository.name, repository.former_names) == ("eastwind/shop", [WEB, "northwind/shop"])
    assert repository.trouble == "eastwind/shop is archived: nothing can be merged to it."
    assert newest("repository").differences == ["now: it is archived", "the default branch: main became prod"]
    assert "default_branch_changed" in kinds()
    assert Source.objects.get().failures == 0
    asset = Asset.objects.get(kind="github.repository")
    assert (asset.name, asset.external_id, asset.gone_at) == ("eastwind/shop", str(repository.vendor_id), None)

    northwind.rename_repository(repository="eastwind/shop", to=WEB, by="rex")
    clock.turn()

    assert (Repository.objects.get().name, Repository.objects.get().former_names[-1]) == (WEB, "eastwind/shop")


def test_a_repository_that_is_hidden_is_said_loudly_and_holds_up_no_other(clock, northwind):
    northwind.create_repository(name="northwind/api", by="rex")
    Repository.objects.create(name="northwind/api", in_scope_from=clock.at)
    clock.turn()
    web = northwind.repository(WEB)
    northwind.store.move(web, subject="gone/elsewhere", places={})

    clock.turn()

    assert Repository.objects.get(name=WEB).trouble.startswith("northwind/web cannot be read: it was deleted")
    assert Repository.objects.get(name="northwind/api").polled_at == clock.at
    assert kinds(state="open") == ["repository_unreadable"]
    assert [row.name for row in Asset.objects.filter(kind="github.repository", gone_at=None)] == ["northwind/api"]
    northwind.store.move(web, subject=WEB, places={})
    clock.turn()
    ended = ExceptionRecord.objects.get(kind="repository_unreadable")
    assert (ended.state, ended.evidence["until"]) == ("repaired", clock.at.isoformat())
    assert Repository.objects.get(name=WEB).trouble == ""
