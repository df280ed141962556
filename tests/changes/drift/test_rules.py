"""fly.toml beside machines, staging beside production, environments beside each other: a table of cases."""

import tomllib

import pytest

from changes.drift.facts import Place, Rule
from changes.drift.rules import SCALE, against_git, from_doppler, parity, separation
from changes.drift.written import of_toml

TOML = """
app = "web"
primary_region = "fra"
[env]
LOG_LEVEL = "info"
[http_service]
internal_port = 8080
force_https = true
[[http_service.checks]]
path = "/healthz"
[mounts]
source = "data"
destination = "/data"
[[vm]]
size = "shared-cpu-1x"
memory = "512mb"
"""
PORTS = [{"port": 80, "handlers": ["http"], "force_https": True}, {"port": 443, "handlers": ["http", "tls"]}]
SERVICE = {"protocol": "tcp", "internal_port": 8080, "ports": PORTS, "checks": [{"type": "http", "path": "/healthz"}]}
MACHINE = {
    "image": "registry.fly.io/web:deployment-01",
    "process": "app",
    "env": ["FLY_PROCESS_GROUP", "LOG_LEVEL", "PRIMARY_REGION"],
    "services": [SERVICE],
    "mounts": [{"name": "data", "path": "/data"}],
    "guest": {"cpu_kind": "shared", "cpus": 1, "memory_mb": 512},
}


def found(toml=TOML, *machines):
    given = {"source": "fly", "app": "web", "environment": "production", "basis": "fly.toml at 1111111"}
    told = against_git(toml=tomllib.loads(toml), machines=machines or [MACHINE], **given)
    return {one.place.rule: one.words for one in told}


def machine(**other):
    return {**MACHINE, **other}


def test_a_machine_that_is_as_git_asks_has_no_drift():
    assert found() == {}
    assert found(TOML, *[]) == {}


@pytest.mark.parametrize(
    ("other", "rule", "words"),
    [
        ({"env": ["LOG_LEVEL", "DEBUG"]}, Rule.ENV, "Only in Fly: DEBUG"),
        ({"env": []}, Rule.ENV, "Only in Git: LOG_LEVEL"),
        (
            {"image": "docker.io/evil:latest"},
            Rule.IMAGE,
            "Git asks for an image that was built for web; Fly runs docker.io/evil:latest",
        ),
        ({"image": "registry.fly.io/web-two:a"}, Rule.IMAGE, "registry.fly.io/web-two:a"),
        ({"image": ""}, Rule.IMAGE, "an unknown image"),
        ({"services": []}, Rule.SERVICES, "Only in Git: tcp 8080 on 443 http+tls, 80 http https forced"),
        ({"services": [{**SERVICE, "internal_port": 9000}]}, Rule.SERVICES, "Only in Fly: tcp 9000"),
        ({"services": [{**SERVICE, "ports": [*PORTS, {"port": 22}]}]}, Rule.SERVICES, "22, 443 http+tls"),
        ({"services": [{**SERVICE, "checks": []}]}, Rule.CHECKS, "Only in Git: http GET /healthz"),
        ({"checks": {"alive": {"type": "tcp", "port": 9}}}, Rule.CHECKS, "Only in Fly: tcp 9"),
        ({"mounts": []}, Rule.MOUNTS, "Only in Git: data at /data"),
        ({"mounts": [{"name": "data", "path": "/var"}]}, Rule.MOUNTS, "Only in Fly: data at /var"),
        ({"guest": {"cpu_kind": "shared", "cpus": 2, "memory_mb": 512}}, Rule.SIZE, "Fly runs shared 2 × 512 MB"),
    ],
)
def test_each_difference_is_found_by_its_rule_alone(other, rule, words):
    told = found(TOML, machine(**other))

    assert words in " ".join(told[rule])
    assert set(told) - {Rule.CHECKS} <= {rule}


def test_one_machine_of_two_is_counted_and_no_value_is_said():
    told = found(TOML.replace('"info"', '"canary"'), MACHINE, machine(env=["LOG_LEVEL", "X"]))

    assert told == {Rule.ENV: ("Only in Fly: X (1 of 2 machines)",)}
    assert "canary" not in str(found(TOML.replace('"info"', '"canary"'), machine(env=[])))


@pytest.mark.parametrize(
    ("build", "image", "fits"),
    [
        ('image = "ghcr.io/acme/web"', "ghcr.io/acme/web:1.2@sha256:abc", True),
        ('image = "ghcr.io/acme/web:1.2"', "ghcr.io/acme/web:1.2", True),
        ('image = "ghcr.io/acme/web:1.2"', "ghcr.io/acme/web:1.3", False),
        ('image = "ghcr.io/acme/web"', "registry.fly.io/web:a", False),
        ('dockerfile = "Dockerfile.prod"', "registry.fly.io/web@sha256:abc", True),
    ],
)
def test_a_named_image_is_the_one_that_runs(build, image, fits):
    assert (Rule.IMAGE not in found(f"{TOML}\n[build]\n{build}\n", machine(image=image))) is fits


@pytest.mark.parametrize(
    ("vm", "size"),
    [
        ('size = "shared-cpu-2x"', "shared 2 × 512 MB"),
        ('size = "performance-1x"', "performance 1 × 2048 MB"),
        ('memory = "1gb"\ncpus = 2', "shared 2 × 1024 MB"),
        ('cpu_kind = "performance"\ncpus = 4\nmemory_mb = 8192', "performance 4 × 8192 MB"),
        ('memory = "plenty"', "shared 1 × 256 MB"),
    ],
)
def test_sizes_are_read_as_fly_writes_them(vm, size):
    assert of_toml(tomllib.loads(f"[[vm]]\n{vm}\n"), process="app").size == size


def test_process_groups_and_older_files_are_understood():
    toml = """
[[services]]
internal_port = 5000
processes = ["web"]
[[services.ports]]
start_port = 10
end_port = 20
[[services.http_checks]]
path = "/up"
method = "head"
[[services.tcp_checks]]
interval = "15s"
[checks.db]
type = "http"
port = 90
"""
    web, other = (of_toml(tomllib.loads(toml), process=process) for process in ("web", "worker"))

    assert web.services == {"tcp 5000 on 10-20"}
    assert web.checks == {"http HEAD /up", "tcp", "http 90 GET /"}
    assert (other.services, other.checks, other.size, other.image) == (frozenset(), {"http 90 GET /"}, None, None)
    assert of_toml(tomllib.loads("[[services]]\ninternal_port = 1"), process="x").services == {"tcp 1 on no port"}


def pair(staging=MACHINE, secrets=None):
    given = {"source": "fly", "staging": "s", "production": "p", "secrets": secrets or {}}
    return parity(machines={"s": [staging], "p": [MACHINE, MACHINE]}, **given)


def test_scale_is_no_difference_between_staging_and_production():
    small = machine(guest={"cpu_kind": "shared", "cpus": 8, "memory_mb": 64}, region="iad")
    small["services"] = [{**SERVICE, "autostop": "stop", "min_machines_running": 0, "concurrency": {"type": "requests"}}]

    assert pair(small) is None
    assert {"guest", "region", "count"} <= set(SCALE)


def test_all_else_is_a_difference():
    told = pair(machine(env=["LOG_LEVEL", "DEBUG"], mounts=[]), {"s": frozenset({"A"}), "p": frozenset({"A", "B"})})

    assert told.place.subject == "s and p"
    assert told.words == (
        "Names of variables. Only in staging: DEBUG",
        "Volumes. Only in production: data at /data",
        "Names of secrets. Only in production: B",
    )


def test_a_thing_in_two_environments_is_found_and_one_without_is_not():
    things = [("organisation", "one", "production"), ("organisation", "one", "staging"), ("organisation", "two", "staging")]

    told = separation(source="fly", things=[*things, ("organisation", "two", ""), ("organisation", "two", "staging")])

    assert [(one.place.subject, one.words) for one in told] == [
        ("organisation one", ("The organisation one is in production and in staging",))
    ]


def test_secrets_by_hand_and_secrets_not_synced_are_told_apart():
    place = Place(Rule.SECRETS, "fly", "web", "production")

    def words(fly, doppler):
        told = from_doppler(place=place, fly=frozenset(fly), doppler=frozenset(doppler), config="web/prd")
        return told and told.words

    assert words({"A", "DOPPLER_CONFIG"}, {"A", "DOPPLER_PROJECT"}) is None
    assert words({"A", "BY_HAND"}, {"A", "NEW"}) == ("Only in Fly: BY_HAND", "Only in Doppler: NEW")
