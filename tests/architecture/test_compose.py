"""What compose.yaml and fly.toml say, held to what the programs need: their order of start, where they write, what they listen on,
and whether the settings load from exactly the variables that each is given."""

import os
import re
import subprocess
import sys

import pytest
from django.urls import resolve

from portal.runtime.commands import WEB_CONNECTIONS
from tests.architecture.test_deploying import COMPOSE, DOCKERFILE, FLY, OURS
from tests.architecture.test_house import ROOT

SERVICES = COMPOSE["services"]
IMAGE = dict(re.findall(r"([A-Z][A-Z_]+)=(\S+)", re.search(r"^ENV PATH(?:\\\n|.)*", DOCKERFILE, re.MULTILINE)[0]))
"""What the image itself sets."""
PORT = IMAGE["COUNTERSIGN_LISTEN"].rpartition(":")[2]
DATA = IMAGE["COUNTERSIGN_DATA"]
SECRETS = {
    "DATABASE_URL": "postgresql://countersign_app@database/countersign",
    "BROKER_URL": "amqp://broker//",
    "COUNTERSIGN_SECRET_KEY": "x" * 50,
    "COUNTERSIGN_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}
"""What Doppler brings to Fly, and `.env` to Compose."""
NEEDED = ["COUNTERSIGN_ENCRYPTION_KEYS", "COUNTERSIGN_SECRET_KEY", "DATABASE_URL"]
GIVEN = re.compile(r"\$\{(\w+)(?:(:[?-])([^}]*))?\}")
SECONDS = {"s": 1, "m": 60}


def filled(service):
    """A service's environment as Compose fills it, of a `.env` with all that must be there."""

    def value(found):
        name, kind, otherwise = found.groups()
        return SECRETS.get(name, "x" if kind == ":?" else otherwise or "")

    return {name: GIVEN.sub(value, text) for name, text in service["environment"].items()}


def given():
    """(where, what the program finds in its environment)."""
    yield from ((f"compose {name}", filled(service)) for name, service in OURS.items())
    yield from ((name, fly["env"] | SECRETS) for name, fly in FLY.items())


def loading(env):
    """The settings, loaded from these variables alone."""
    words = [sys.executable, "-c", "import portal.settings as s; print(s.BASE_URL, s.CELERY_BROKER_URL)"]
    surroundings = {name: value for name, value in os.environ.items() if name in ("PATH", "VIRTUAL_ENV")}
    return subprocess.run(words, env=surroundings | env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(("where", "env"), list(given()), ids=[where for where, _ in given()])
def test_the_settings_load_from_what_each_program_is_given(where, env):
    loaded = loading(env)

    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.split() == [env["COUNTERSIGN_BASE_URL"], env["BROKER_URL"]]


@pytest.mark.parametrize("missing", NEEDED)
def test_a_program_without_one_of_its_secrets_says_which_and_does_not_start(missing):
    env = FLY["fly.toml"]["env"] | {name: value for name, value in SECRETS.items() if name != missing}

    assert loading(env).stderr.startswith(f"{missing} is not set.")
    assert all(f"${{{name}:?}}" in (ROOT / "compose.yaml").read_text() for name in NEEDED if name != "DATABASE_URL")


def test_who_waits_waits_for_something_that_can_come():
    waits = [
        (name, other, how["condition"]) for name, each in SERVICES.items() for other, how in each.get("depends_on", {}).items()
    ]

    assert {name for name, *_ in waits} == OURS.keys()
    for name, other, condition in waits:
        if condition == "service_healthy":
            assert "test" in SERVICES[other]["healthcheck"], name
        else:
            assert (condition, SERVICES[other]["restart"]) == ("service_completed_successfully", "no"), name
    assert {other for name, other, _ in waits if name == "migrate"} == {"postgres", "valkey"}
    assert {name for name, other, _ in waits if other == "migrate"} == OURS.keys() - {"migrate"}


def test_the_database_is_well_only_when_it_answers_by_the_network():
    """While its image makes the roles it answers on the socket alone, and whoever migrated then would be refused."""
    words = SERVICES["postgres"]["healthcheck"]["test"]

    assert words[words.index("-h") + 1] == "127.0.0.1"


def test_every_volume_is_declared_used_and_lies_where_the_portal_writes():
    mounted = {name: [text.split(":") for text in each.get("volumes", ())] for name, each in SERVICES.items()}
    named = {words[0] for those in mounted.values() for words in those if not words[0].startswith(".")}

    assert named == COMPOSE["volumes"].keys()
    assert {name: [words[1] for words in mounted[name]] for name in OURS if mounted[name]} == {"worker": [DATA], "sealer": [DATA]}
    for text in (text for those in mounted.values() for words in those for text in words[:1] if text.startswith(".")):
        assert (ROOT / text).is_file()
    for name, fly in FLY.items():
        assert {(each["destination"], *each["processes"]) for each in fly["mounts"]} == {(DATA, "worker"), (DATA, "sealer")}, name


def test_a_broker_that_is_made_anew_finds_its_data_again():
    """RabbitMQ keeps it under the name of its machine."""
    assert SERVICES["rabbitmq"]["hostname"] == "rabbitmq"


def test_the_port_is_the_one_that_is_listened_on_and_its_address_of_health_exists():
    assert SERVICES["web"]["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    assert re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE) == [PORT]
    for fly in FLY.values():
        service = fly["http_service"]
        (check,) = service["checks"]
        assert str(service["internal_port"]) == PORT
        assert resolve(check["path"]).url_name == "readyz"
        assert check["headers"]["X-Forwarded-Proto"] == "https"
        assert service["concurrency"]["soft_limit"] < service["concurrency"]["hard_limit"] < WEB_CONNECTIONS


def test_a_health_check_asks_again_only_after_its_last_question():
    checks = [check for fly in FLY.values() for check in fly["http_service"]["checks"]]
    checks += [each["healthcheck"] for each in SERVICES.values() if "test" in each.get("healthcheck", {})]

    assert len(checks) == 5
    for check in checks:
        interval, timeout = (int(check[name][:-1]) * SECONDS[check[name][-1]] for name in ("interval", "timeout"))
        assert timeout <= interval
