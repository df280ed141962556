"""What runs in the stand-in of Fly beside the files of a real Git repository."""

import pytest
from django.core.management import CommandError, call_command

from changes.connectors.actions import connect_fly
from changes.connectors.drifting import compare_all
from changes.connectors.fly.inventory import sync_inventory
from changes.connectors.fly.sync import sync_releases
from changes.connectors.git.mirror import folder_of
from changes.delivery.models import Repository
from changes.drift.models import Compared, DriftCase
from changes.inventory.actions import observe
from changes.inventory.facts import Seen
from tests.changes.connectors.fly.test_sync import at, source, web
from tests.changes.delivery.workshop import Workshop
from tests.standins import fly_standin

__all__ = ["fly_standin", "source", "web"]
pytestmark = pytest.mark.django_db
TOML = 'app = "web-prod"\n[http_service]\ninternal_port = 8080\n'
SERVICES = [
    {
        "protocol": "tcp",
        "internal_port": 8080,
        "ports": [{"port": 80, "handlers": ["http"]}, {"port": 443, "handlers": ["tls", "http"]}],
    }
]


@pytest.fixture
def work(settings, tmp_path, web):
    settings.DATA_DIR = tmp_path
    return Workshop(folder_of(web))


def look(source, minutes):
    sync_releases(source=source, at=at(minutes))
    sync_inventory(source=source, at=at(minutes))
    return compare_all(at=at(minutes))


def cases():
    return sorted(DriftCase.objects.values_list("rule", "subject", "state"))


def test_a_port_opened_by_hand_is_drift_until_git_or_fly_is_mended(source, fly_standin, work):
    sha = work.commit(files={"fly.prod.toml": TOML, "fly.broken.toml": "[", "Dockerfile": "FROM scratch"})
    fly_standin.release(app="web-prod", by="ann@northwind.example", sha=sha, repository="northwind/web", at=at(-20))
    fly_standin.configure(app="web-prod", config={"services": SERVICES})

    assert look(source, 1) == 0
    assert Compared.objects.get(beside="git").basis == f"fly.prod.toml at {sha[:7]} of northwind/web"
    opened = [{**SERVICES[0], "internal_port": 22}]
    fly_standin.configure(app="web-prod", config={"services": opened, "env": {"DEBUG": "canary"}}, machines=1)
    assert look(source, 20) == 2
    row = DriftCase.objects.get(rule="services")
    assert row.words == [
        "Only in Fly: tcp 22 on 443 http+tls, 80 http (1 of 2 machines)",
        "Only in Git: tcp 8080 on 443 http+tls, 80 http (1 of 2 machines)",
    ]
    assert "canary" not in str(DriftCase.objects.values())
    fly_standin.configure(app="web-prod", config={"services": SERVICES, "env": {}})
    assert look(source, 40) == 2
    assert cases() == [("env", "web-prod", "matches"), ("services", "web-prod", "matches")]


def test_what_cannot_be_compared_says_why(source, fly_standin, work):
    fly_standin.create_app(name="other", org="northwind")
    fly_standin.release(app="web-prod", by="ann@northwind.example", image="v1", at=at(-20))
    look(source, 1)
    said = dict(Compared.objects.filter(beside="git").values_list("subject", "problem"))
    assert said == {"other": "No successful release of it is known.", "web-prod": "Its release 1 names no commit."}

    fly_standin.release(app="web-prod", by="ann@northwind.example", sha="9" * 40, at=at(2))
    look(source, 20)
    assert "does not have commit 9999999" in Compared.objects.get(beside="git", subject="web-prod").problem
    sha = work.commit(files={"fly.toml": "[", "README": "x"})
    fly_standin.release(app="web-prod", by="ann@northwind.example", sha=sha, at=at(21))
    look(source, 40)
    assert "names the app (fly.toml cannot be read)" in Compared.objects.get(beside="git", subject="web-prod").problem
    assert cases() == []


def test_staging_is_compared_with_production_and_an_organisation_has_one_environment(source, fly_standin, work):
    fly_standin.create_app(name="web-staging", org="northwind", machines=1)
    source.settings["apps"]["web-staging"] = {"environment": "staging", "repository": "northwind/web"}
    source.save()
    fly_standin.set_secrets(app="web-prod", names=["KEY"])

    look(source, 1)
    assert cases() == [
        ("parity", "web-staging and web-prod", "open"),
        ("separation", "organisation northwind", "open"),
    ]
    assert DriftCase.objects.get(rule="parity").words == ["Names of secrets. Only in production: KEY"]
    fly_standin.set_secrets(app="web-staging", names=["KEY"])
    source.settings["apps"]["web-staging"]["environment"] = "production"
    source.save()
    look(source, 20)
    assert ("separation", "organisation northwind", "matches") in cases()
    assert Repository.objects.count() == 1


def configs(**names):
    """Doppler as its connector observes it: two configurations of the project web, the production one synced to Fly."""
    environments = {"prd": "production", "stg": "staging"}
    seen = [
        Seen("doppler.config", f"web/{config}", f"web/{config}", environments[config], "web", {"names": list(given)})
        for config, given in names.items()
    ]
    observe(source="doppler", kinds={"doppler.config"}, within="web", seen=seen, at=at())
    sync = Seen("doppler.sync", "s1", "web/prd to Fly.io", within="web/prd", configuration={"type": "flyio"})
    observe(source="doppler", kinds={"doppler.sync"}, seen=[sync], at=at())


def test_secrets_are_compared_with_the_configuration_of_doppler(source, fly_standin, work):
    fly_standin.set_secrets(app="web-prod", names=["KEY", "BY_HAND", "DOPPLER_CONFIG"])
    look(source, 1)
    assert cases() == []

    configs(prd=["KEY"], stg=["OTHER"])
    look(source, 2)
    row = DriftCase.objects.get()
    assert (row.rule, row.words, row.basis) == ("secrets", ["Only in Fly: BY_HAND"], "web/prd of Doppler")
    source.settings["apps"]["web-prod"]["secrets"] = "web/stg"
    source.save()
    look(source, 3)
    row.refresh_from_db()
    assert row.words == ["Only in Fly: BY_HAND; KEY", "Only in Doppler: OTHER"]


def test_which_configuration_an_app_takes_its_secrets_from_is_said_when_fly_is_connected(source):
    given = {"org": "northwind", "token": "t", "apps": {"a": ("staging", "x/y")}, "at": at(), "api_url": source.api_url}

    kept = connect_fly(**given, secrets={"a": "y/stg"})
    again = connect_fly(**given)

    assert (kept.settings["apps"]["a"], again.settings["apps"]["a"]["secrets"]) == (
        {"environment": "staging", "repository": "x/y", "secrets": "y/stg"},
        "y/stg",
    )
    with pytest.raises(ValueError, match="name it with --app first"):
        connect_fly(**given, secrets={"b": "y/stg"})
    with pytest.raises(CommandError, match="write APP=PROJECT/CONFIG"):
        call_command("connect", "fly", "--org", "x", "--token", "t", "--secrets", "a")
