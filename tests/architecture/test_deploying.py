"""What a container and Fly.io are told, held to the code: they cannot be run here, but every name in them can be looked up."""

import ast
import importlib.util
import re
import runpy
import shlex
import tomllib
from copy import deepcopy
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from portal.ledger.privileges import APP, ROLES, TAKEN
from portal.runtime import serve, stack
from portal.runtime.places import Places
from tests.architecture.test_house import APPS, ROOT, sources

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
FLY = {name: tomllib.loads((ROOT / name).read_text()) for name in ("fly.toml", "fly.staging.toml")}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OURS = {name: each for name, each in COMPOSE["services"].items() if each["image"] == "countersign"}
VARIABLE = re.compile(r"\b(?:COUNTERSIGN_[A-Z_]+|DATABASE_(?:OWNER_)?URL|BROKER_URL)\b")
FOREIGN_OF_POSTGRES = {"COUNTERSIGN_OWNER_PASSWORD", "COUNTERSIGN_APP_PASSWORD"}
"""Read by deploy/roles.sh, which makes the roles, and part of the two addresses."""
OFFICIAL = {"python:3.11-slim-trixie", "postgres:17", "valkey/valkey:8", "rabbitmq:4"}


@cache
def read_by_the_code():
    """Every text in our code that is a variable's name and nothing else."""
    return {name for path in sources() for name in re.findall(rf'"({VARIABLE.pattern})"', path.read_text())}


def commands():
    """(where, words) of everything that is started."""
    for name, service in OURS.items():
        yield f"compose {name}", service["command"]
    for file, fly in FLY.items():
        for name, text in fly["processes"].items():
            yield f"{file} {name}", shlex.split(text)
        yield f"{file} release", shlex.split(fly["deploy"]["release_command"])
    for kind, text in re.findall(r"^(?:HEALTHCHECK .*)?(CMD) (\[.*\])$", DOCKERFILE, re.MULTILINE):
        yield f"Dockerfile {kind}", ast.literal_eval(text)


@pytest.mark.parametrize(("where", "words"), list(commands()), ids=[where for where, _ in commands()])
def test_every_command_exists(where, words):
    assert words[0] == "python"
    if words[1] == "-m":
        assert importlib.util.find_spec(words[2]) is not None
        assert words[2] != "portal.runtime.serve" or words[3] in {*serve.NAMES, serve.HEALTHY}
    else:
        assert words[1] == "manage.py"
        assert stack.has_command(name=words[2])


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml", *FLY])
def test_every_variable_is_read_by_the_code(name):
    named = set(VARIABLE.findall((ROOT / name).read_text())) - FOREIGN_OF_POSTGRES

    assert len(named) >= 4
    assert named - read_by_the_code() == set()


def test_the_programs_are_the_supervisors_and_the_sealer():
    plan = SimpleNamespace(places=Places(Path("/nowhere")), port=8000, demo=False, postgres=None, valkey=None)
    supervised = {program.name for program in stack.applications(plan=plan, shared={})}

    assert set(serve.NAMES) == supervised | {"sealer"}
    assert OURS.keys() == {*serve.NAMES, "migrate"}
    for fly in FLY.values():
        assert fly["processes"].keys() == set(serve.NAMES)
        assert {name for each in fly["mounts"] + fly["vm"] for name in each["processes"]} == set(serve.NAMES)
        assert fly["http_service"]["processes"] == ["web"]
        # Fly's own redirect would lead programs on, too: plain http is the portal's to answer, which a declared proxy tells it.
        assert (fly["http_service"]["force_https"], fly["env"]["COUNTERSIGN_PROXIES"]) == (False, "1")


def test_only_who_migrates_knows_the_owner_and_only_the_sealer_works_for_the_seal():
    knowing = [name for name, service in OURS.items() if "DATABASE_OWNER_URL" in service["environment"]]
    assert knowing == ["migrate"]
    env = {"DATABASE_OWNER_URL": "postgresql:///x", "COUNTERSIGN_LISTEN": "[::]:9000", "COUNTERSIGN_PROXIES": "1", "PATH": "/bin"}
    for name in serve.NAMES:
        found = serve.environment(name=name, env=env)
        assert ("DATABASE_OWNER_URL" in found, found["COUNTERSIGN_PROCESS"]) == (False, name)

    words = {name: serve.arguments(name=name, env=env) for name in serve.NAMES}
    assert words["web"][3:7] == ["--host", "::", "--port", "9000"]
    assert "--proxy-headers" in words["web"]
    assert words["web"][words["web"].index("--lifespan") + 1] == "off", "Django raises when it is asked for its lifespan"
    assert words["scheduler"] == ["-m", "portal.runtime.scheduler"]
    queues = {name: words[name][words[name].index("--queues") + 1] for name in ("worker", "sealer")}
    assert queues == {"worker": "celery", "sealer": "sealer"}
    with pytest.raises(serve.Unknown, match="'postgres' is none of web, worker, scheduler, sealer"):
        serve.arguments(name="postgres", env={})


def test_every_role_that_the_guards_need_is_made_and_the_auditors_two_are_granted():
    statements = (ROOT / "deploy" / "roles.sh").read_text()
    made = re.findall(r"^CREATE ROLE (\w+) ", statements, re.MULTILINE)
    granted = re.findall(rf"^GRANT ([\w, ]+) TO {APP} WITH INHERIT FALSE, SET TRUE;$", statements, re.MULTILINE)

    assert sorted(made) == sorted(ROLES)
    assert granted == [", ".join(TAKEN)]


def test_every_documented_setting_reaches_every_program_of_ours():
    """What compose.yaml does not name comes from a file of its own, which is not needed and stays out of Git."""
    for service in OURS.values():
        assert service["env_file"] == [{"path": "settings.env", "required": False}]
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {".env", "settings.env"} <= set(ignored)


def test_containers_of_ours_write_nowhere_but_where_they_may():
    for service in OURS.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service
    user = re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE)
    assert user == ["10001:10001"]
    assert DOCKERFILE.index("USER ") > DOCKERFILE.rindex("COPY ")
    assert len(re.findall(r"^FROM ", DOCKERFILE, re.MULTILINE)) == 2
    assert "HEALTHCHECK" in DOCKERFILE


def test_images_are_official_ones():
    built_on = {words.split()[0] for words in re.findall(r"^FROM (.*)$", DOCKERFILE, re.MULTILINE)}
    used = {service["image"] for service in COMPOSE["services"].values()} - {"countersign"}

    assert built_on | used == OFFICIAL


def test_no_secret_stands_in_them():
    """Values of passwords and keys are references; the image gets nothing but the code."""
    secret = re.compile(r"PASSWORD|SECRET|KEY|_PASS$|URL$")
    for service in COMPOSE["services"].values():
        for name, value in service.get("environment", {}).items():
            assert not secret.search(name) or re.search(r"\$\{\w+(?::[?-][^}]*)?\}", value), name
    for fly in FLY.values():
        assert [name for name in fly["env"] if secret.search(name)] == ["COUNTERSIGN_BASE_URL"]
    assert not re.search(r"^(?:ARG|ENV)\b.*(?:PASSWORD|SECRET|KEY|TOKEN)", DOCKERFILE, re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copied = {word for words in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE) for word in words.split()[:-1]}
    locks = {"requirements.lock", "requirements-optional.lock"}
    assert ignored[1] == "*"
    assert let_in == copied == {"requirements.txt", *locks, "manage.py", "assets", "templates", *APPS}


def test_cookies_are_closed_where_the_address_is_https(monkeypatch):
    monkeypatch.setenv("COUNTERSIGN_BASE_URL", "https://portal.example")
    made = runpy.run_path(str(ROOT / "portal" / "settings.py"))

    for kind in ("SESSION", "CSRF", "THEME"):
        assert made[f"{kind}_COOKIE_NAME"].startswith("__Host-")
    script = (ROOT / "portal" / "static" / "portal" / "portal.js").read_text()
    assert "${closed ? '__Host-' : ''}theme=" in script, "the page's script writes the same cookie"
    for kind in ("SESSION", "CSRF"):
        assert made[f"{kind}_COOKIE_SECURE"] is True
    assert made["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert (made.get("SESSION_COOKIE_HTTPONLY", True), made["CSRF_COOKIE_HTTPONLY"]) == (True, True)
    assert made["SECURE_HSTS_SECONDS"] >= 31_536_000
    assert made["MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN"] is False
    assert made["DEBUG"] is False


def test_staging_is_production_but_for_names_and_sizes():
    production, staging = deepcopy(FLY["fly.toml"]), deepcopy(FLY["fly.staging.toml"])
    for fly in (production, staging):
        assert fly["env"]["COUNTERSIGN_HOSTS"] == fly["http_service"]["checks"][0]["headers"]["Host"]
        assert fly["env"]["COUNTERSIGN_BASE_URL"] == f"https://{fly['env']['COUNTERSIGN_HOSTS']}"
        del fly["app"], fly["env"], fly["http_service"]["checks"][0]["headers"]["Host"], fly["http_service"]["min_machines_running"]
        for machine in fly["vm"]:
            del machine["size"]

    assert staging == production
