"""Category, size and kind by rule, with their reasons."""

from datetime import UTC, datetime

import pytest

from changes.proposals.classification import Choice, Classification, classify, has_migration, rank_of
from changes.proposals.paths import any_match, first_match, matches
from portal.policy.parameters import DEFAULT, Parameters


def classified(*, parameters=DEFAULT, **values) -> Classification:
    standard = {"titles": ("Raise memory",), "labels": (), "paths": ("app/web.py",), "changed_lines": 12, "asked": {}}
    return classify(**(standard | values), parameters=parameters)


NOTHING_SAYS_SO = ["Neither a label, its title, its branch nor a person says that it is an emergency."]
BY_LABEL = ["It carries the label “emergency”."]
BY_TITLE = ["Its title begins with EMERGENCY."]
CATEGORIES = {
    "nothing says so": ({}, "standard", NOTHING_SAYS_SO),
    "the label": ({"labels": ("bug", "emergency")}, "emergency", BY_LABEL),
    "the label in another case": ({"labels": (" Emergency ",)}, "emergency", BY_LABEL),
    "a label that only contains it": ({"labels": ("non-emergency",)}, "standard", NOTHING_SAYS_SO),
    "the title": ({"titles": ("EMERGENCY: stop retry storm",)}, "emergency", BY_TITLE),
    "the title without a colon": ({"titles": ("EMERGENCY stop retry storm",)}, "emergency", BY_TITLE),
    "the title in brackets": ({"titles": ("[Emergency] stop retry storm",)}, "emergency", BY_TITLE),
    "the title in parentheses": ({"titles": ("(emergency) stop",)}, "emergency", BY_TITLE),
    "the title in lower case with a colon": ({"titles": (" emergency : stop",)}, "emergency", BY_TITLE),
    "one of several titles": ({"titles": ("Tidy", "EMERGENCY: stop")}, "emergency", BY_TITLE),
    "a title about emergencies": ({"titles": ("Emergency contacts page",)}, "standard", NOTHING_SAYS_SO),
    "a title that begins alike": ({"titles": ("EMERGENCYCALLS: new module",)}, "standard", NOTHING_SAYS_SO),
    "a title that mentions it": ({"titles": ("Write the EMERGENCY guide",)}, "standard", NOTHING_SAYS_SO),
    "a hotfix branch, which no rule names": ({"branches": ("hotfix/retry",)}, "standard", NOTHING_SAYS_SO),
    "a person": ({"asked": {"category": "emergency"}}, "emergency", ["It was declared an emergency."]),
    "a person cannot lower it": ({"labels": ("emergency",), "asked": {"category": "standard"}}, "emergency", BY_LABEL),
    "label and title": ({"labels": ("emergency",), "titles": ("EMERGENCY x",)}, "emergency", BY_LABEL + BY_TITLE),
}


@pytest.mark.parametrize(("values", "category", "reasons"), CATEGORIES.values(), ids=CATEGORIES.keys())
def test_category(values, category, reasons):
    found = classified(**values)

    assert (found.category, found.category_reasons) == (category, reasons)


def test_a_meeting_can_make_a_branch_name_an_emergency():
    found = classified(branches=("hotfix/retry",), parameters=Parameters(emergency_branches=("hotfix/*",)))

    assert (found.category, found.category_reasons) == ("emergency", ["Its branch fits “hotfix/*”."])


def test_without_a_label_and_a_prefix_nothing_is_an_emergency_by_them():
    parameters = Parameters(emergency_label="", emergency_title_prefix="")

    assert classified(labels=("",), titles=("EMERGENCY: x", ""), parameters=parameters).category == "standard"


KINDS = {
    "nothing special": (("app/web.py",), "application", "No path belongs to another kind."),
    "no paths": ((), "application", "No path belongs to another kind."),
    "not read": (None, "application", "The paths have not been read yet."),
    "a Dockerfile": (("Dockerfile",), "infrastructure", "Dockerfile fits “Dockerfile”."),
    "a Dockerfile below": (
        ("services/web/Dockerfile.prod",),
        "infrastructure",
        "services/web/Dockerfile.prod fits “Dockerfile.*”.",
    ),
    "Fly's configuration": (("fly.toml",), "infrastructure", "fly.toml fits “fly*.toml”."),
    "Fly's configuration of one app": (("apps/fly.worker.toml",), "infrastructure", "apps/fly.worker.toml fits “fly*.toml”."),
    "a workflow": ((".github/workflows/ci.yml",), "infrastructure", ".github/workflows/ci.yml fits “.github/workflows/*”."),
    "a file that is no workflow": ((".github/CODEOWNERS",), "application", "No path belongs to another kind."),
    "a butterfly": (("app/butterfly.toml",), "application", "No path belongs to another kind."),
    "a migration": (("shop/migrations/0042_price.py",), "database", "shop/migrations/0042_price.py fits “migrations/”."),
    "a migration of Rails": (("db/migrate/20260202_price.rb",), "database", "db/migrate/20260202_price.rb fits “db/migrate/*”."),
    "a module about migrations": (("shop/migrations.py",), "application", "No path belongs to another kind."),
    "DNS": (("dns/example.test.zone",), "access", "dns/example.test.zone fits “dns/”."),
    "Zero Trust": (("cloudflare/zero-trust/apps.json",), "access", "cloudflare/zero-trust/apps.json fits “zero-trust/”."),
    "access": (("access/groups.yaml",), "access", "access/groups.yaml fits “access/”."),
    "Doppler": (("doppler.yaml",), "secrets", "doppler.yaml fits “doppler*.yaml”."),
    "the policy": (("docs/POLICY.md",), "policy", "docs/POLICY.md fits “policy.md”."),
    "access over secrets": (("doppler.yaml", "dns/a.zone"), "access", "dns/a.zone fits “dns/”."),
    "secrets over database": (("x/migrations/0001.py", "doppler.yaml"), "secrets", "doppler.yaml fits “doppler*.yaml”."),
    "database over infrastructure": (("Dockerfile", "x/migrations/1.py"), "database", "x/migrations/1.py fits “migrations/”."),
    "infrastructure over policy": (("policy.md", "fly.toml"), "infrastructure", "fly.toml fits “fly*.toml”."),
    "policy over application": (("app/web.py", "policy.md"), "policy", "policy.md fits “policy.md”."),
}


@pytest.mark.parametrize(("paths", "kind", "reason"), KINDS.values(), ids=KINDS.keys())
def test_kind(paths, kind, reason):
    found = classified(paths=paths)

    assert (found.kind, found.kind_reasons) == (kind, [reason])


ASKED = {
    "before any path is read": (None, "database", "database", "The requester says so."),
    "more than the paths say": (("fly.toml",), "secrets", "secrets", "The requester says so."),
    "less than the paths say": (("doppler.yaml",), "infrastructure", "secrets", "doppler.yaml fits “doppler*.yaml”."),
    "the same": (("fly.toml",), "infrastructure", "infrastructure", "fly.toml fits “fly*.toml”."),
    "a kind that nobody knows": (("fly.toml",), "weather", "infrastructure", "fly.toml fits “fly*.toml”."),
    "an application": (None, "application", "application", "The paths have not been read yet."),
}


@pytest.mark.parametrize(("paths", "asked", "kind", "reason"), ASKED.values(), ids=ASKED.keys())
def test_a_person_can_raise_the_kind_and_not_lower_it(paths, asked, kind, reason):
    found = classified(paths=paths, asked={"kind": asked})

    assert (found.kind, found.kind_reasons) == (kind, [reason])


NO_PATH = "No path is large by rule."
SIZES = {
    "small": ({}, "normal", ["12 changed lines, not more than 800.", NO_PATH]),
    "one line": ({"changed_lines": 1}, "normal", ["1 changed line, not more than 800.", NO_PATH]),
    "at the limit": ({"changed_lines": 800}, "normal", ["800 changed lines, not more than 800.", NO_PATH]),
    "over the limit": ({"changed_lines": 801}, "large", ["801 changed lines, more than 800."]),
    "not counted": ({"changed_lines": None}, "normal", ["The changed lines have not been counted yet.", NO_PATH]),
    "nothing known": (
        {"changed_lines": None, "paths": None},
        "normal",
        ["The changed lines have not been counted yet.", "The paths have not been read yet."],
    ),
    "over the limit with tests among them": (
        {"changed_lines": 900, "paths": ("app/web.py", "tests/test_web.py")},
        "large",
        ["900 changed lines, tests and lock files among them, more than 800."],
    ),
    "only tests and lock files": (
        {"changed_lines": 5000, "paths": ("tests/test_web.py", "uv.lock", "web/package-lock.json")},
        "normal",
        ["Only tests and lock files were changed: no line counts, not more than 800.", NO_PATH],
    ),
    "counted by file": (
        {
            "changed_lines": 6801,
            "paths": ("app/web.py", "app/test_web.py", "go.sum"),
            "lines_by_path": {"app/web.py": 801, "app/test_web.py": 1000, "go.sum": 5000},
        },
        "large",
        ["801 changed lines outside tests and lock files, more than 800."],
    ),
    "counted by file, under the limit": (
        {
            "changed_lines": 6800,
            "paths": ("app/web.py", "web/a.test.ts", "poetry.lock"),
            "lines_by_path": {"app/web.py": 800, "web/a.test.ts": 1000, "poetry.lock": 5000},
        },
        "normal",
        ["800 changed lines outside tests and lock files, not more than 800.", NO_PATH],
    ),
    "a path that is large": (
        {"paths": ("dns/a.zone",)},
        "large",
        ["dns/a.zone fits “dns/”: DNS or Zero Trust configuration makes a change large."],
    ),
    "a migration": (
        {"paths": ("shop/migrations/0042_price.py",)},
        "normal",
        [
            "12 changed lines, not more than 800.",
            NO_PATH,
            "It has a migration: the requester says if that one loses data, which makes it large.",
        ],
    ),
    "a migration that removes a column": (
        {"paths": ("shop/migrations/0042_remove_price.py",)},
        "large",
        ["The migration shop/migrations/0042_remove_price.py may lose data by its name."],
    ),
    "a module that removes": (
        {"paths": ("shop/remove_price.py",)},
        "normal",
        ["12 changed lines, not more than 800.", NO_PATH],
    ),
    "the requester": ({"asked": {"size": "large"}}, "large", ["The requester says that it is large."]),
    "the requester cannot lower it": (
        {"asked": {"size": "normal"}, "changed_lines": 801},
        "large",
        ["801 changed lines, more than 800."],
    ),
    "several reasons": (
        {"asked": {"size": "large"}, "changed_lines": 801, "paths": ("access/a.yaml", "x/migrations/1_drop.py")},
        "large",
        [
            "The requester says that it is large.",
            "access/a.yaml fits “access/”: an access-control mechanism makes a change large.",
            "The migration x/migrations/1_drop.py may lose data by its name.",
            "801 changed lines, more than 800.",
        ],
    ),
}


@pytest.mark.parametrize(("values", "size", "reasons"), SIZES.values(), ids=SIZES.keys())
def test_size(values, size, reasons):
    found = classified(**values)

    assert (found.size, found.size_reasons) == (size, reasons)


MIGRATIONS = {
    "not read": (None, None),
    "no paths": ((), False),
    "none": (("app/web.py",), False),
    "one": (("app/web.py", "app/migrations/0001_initial.py"), True),
    "alembic": (("alembic/versions/ab12_price.py",), True),
    "only the package": (("app/migrations/__init__.py",), False),
}


@pytest.mark.parametrize(("paths", "expected"), MIGRATIONS.values(), ids=MIGRATIONS.keys())
def test_has_migration(paths, expected):
    assert has_migration(paths) is expected


PATTERNS = {
    "a folder at the root": ("dns/a.zone", "dns/", True),
    "a folder below": ("x/dns/a.zone", "dns/", True),
    "a folder that ends alike": ("x/my-dns/a.zone", "dns/", False),
    "a file of the folder's name": ("dns", "dns/", False),
    "a name anywhere": ("a/b/fly.toml", "fly*.toml", True),
    "a name, not the folder": ("fly.toml/x", "fly*.toml", False),
    "from the root": (".github/workflows/ci.yml", ".github/workflows/*", True),
    "not from the root": ("x/.github/workflows/ci.yml", ".github/workflows/*", False),
    "case does not matter": ("DOCKERFILE", "Dockerfile", True),
}


@pytest.mark.parametrize(("path", "pattern", "expected"), PATTERNS.values(), ids=PATTERNS.keys())
def test_matches(path, pattern, expected):
    assert matches(path, pattern) is expected


def test_first_match_goes_by_the_order_of_the_paths():
    assert first_match(("a.tf", "Dockerfile"), ("Dockerfile", "*.tf")) == ("a.tf", "*.tf")
    assert first_match(("a.py",), ("*.tf",)) is None


def test_any_match_of_no_pattern_is_none():
    assert not any_match("a.py", ())


def test_every_kind_of_the_rules_is_a_kind_of_changes():
    kinds = {kind for kind, _ in DEFAULT.kind_paths} | {"application"}

    assert kinds == {"application", "infrastructure", "database", "secrets", "access", "policy"}


AT = datetime(2026, 2, 2, 9, 0, tzinfo=UTC)
DNS = {"paths": ("dns/a.zone",)}
DNS_SAYS = "dns/a.zone fits “dns/”: DNS or Zero Trust configuration makes a change large."


def choice(value, *, lowers, reason="", causes=()):
    return Choice(value, lowers, "Cleo Chair", AT, reason, tuple(causes))


CHOICES = {
    "raised": (
        {},
        "size",
        choice("large", lowers=False, reason="It feels big."),
        "large",
        ["Cleo Chair raised it to large: It feels big.", "12 changed lines, not more than 800.", NO_PATH],
    ),
    "raised without a reason": (
        {},
        "size",
        choice("large", lowers=False),
        "large",
        ["Cleo Chair raised it to large.", "12 changed lines, not more than 800.", NO_PATH],
    ),
    "raised, and by rule as well": (
        DNS,
        "size",
        choice("large", lowers=False),
        "large",
        ["Cleo Chair raised it to large.", DNS_SAYS],
    ),
    "raised, and by rule higher": (
        {"paths": ("doppler.yaml",)},
        "kind",
        choice("infrastructure", lowers=False),
        "secrets",
        ["doppler.yaml fits “doppler*.yaml”."],
    ),
    "lowered": (
        DNS,
        "size",
        choice("normal", lowers=True, reason="A comment only", causes=["dns:dns/a.zone"]),
        "normal",
        ["Cleo Chair lowered it to normal: A comment only.", "By rule it would be large:", DNS_SAYS],
    ),
    "lowered, and less has come since": (
        DNS,
        "size",
        choice("normal", lowers=True, causes=["dns:dns/a.zone", "lines:1"]),
        "normal",
        ["Cleo Chair lowered it to normal.", "By rule it would be large:", DNS_SAYS],
    ),
    "lowered, and more has come since": (
        DNS,
        "size",
        choice("normal", lowers=True, causes=["lines:1"]),
        "large",
        ["Cleo Chair had lowered it to normal, which holds no longer: there is more than was seen then.", DNS_SAYS],
    ),
    "lowered, and by rule no higher now": (
        {},
        "size",
        choice("normal", lowers=True, causes=["lines:1"]),
        "normal",
        ["12 changed lines, not more than 800.", NO_PATH],
    ),
    "an emergency lowered": (
        {"labels": ("emergency",)},
        "category",
        choice("standard", lowers=True, reason="It can wait.", causes=["label"]),
        "standard",
        ["Cleo Chair lowered it to standard: It can wait.", "By rule it would be an emergency:", *BY_LABEL],
    ),
    "an emergency lowered, and the title says so as well now": (
        {"labels": ("emergency",), "titles": ("EMERGENCY: x",)},
        "category",
        choice("standard", lowers=True, causes=["label"]),
        "emergency",
        [
            "Cleo Chair had lowered it to standard, which holds no longer: there is more than was seen then.",
            *BY_LABEL,
            *BY_TITLE,
        ],
    ),
    "a kind lowered": (
        {"paths": ("dns/README.md", "fly.toml")},
        "kind",
        choice("infrastructure", lowers=True, causes=["access:dns/README.md", "infrastructure:fly.toml"]),
        "infrastructure",
        ["Cleo Chair lowered it to infrastructure.", "By rule it would be DNS and access:", "dns/README.md fits “dns/”."],
    ),
    "a kind lowered, and a kind between came since": (
        {"paths": ("dns/README.md", "x/migrations/1.py")},
        "kind",
        choice("infrastructure", lowers=True, causes=["access:dns/README.md"]),
        "access",
        [
            "Cleo Chair had lowered it to infrastructure, which holds no longer: there is more than was seen then.",
            "dns/README.md fits “dns/”.",
        ],
    ),
}


@pytest.mark.parametrize(("values", "name", "said", "value", "reasons"), CHOICES.values(), ids=CHOICES.keys())
def test_a_persons_word_raises_at_once_and_lowers_what_was_seen(values, name, said, value, reasons):
    found = classified(**values, choices={name: said})

    assert (getattr(found, name), getattr(found, f"{name}_reasons")) == (value, reasons)
    assert found.by_rule[name] == classified(**values).by_rule[name]


RANKS = {
    "category": ["standard", "emergency"],
    "size": ["normal", "large"],
    "kind": ["weather", "application", "policy", "infrastructure", "database", "secrets", "access"],
}


@pytest.mark.parametrize(("name", "values"), RANKS.items())
def test_the_ranks_of_each_class(name, values):
    ranks = [rank_of(name, value) for value in values]

    assert ranks == sorted(set(ranks))


def test_many_files_of_one_rule_are_one_reason_and_each_a_cause():
    found = classified(paths=("dns/a.zone", "dns/b.zone", "fly.toml"))

    assert found.size_reasons == [DNS_SAYS]
    assert found.by_rule["size"].causes == ("dns:dns/a.zone", "dns:dns/b.zone")
    assert found.by_rule["kind"].causes == ("access:dns/a.zone", "access:dns/b.zone", "infrastructure:fly.toml")


def test_migrations_that_were_read_are_said_to_lose_nothing():
    path = "shop/migrations/0042_price.py"
    found = classified(paths=(path,), migrations={path: ["AddField()"]})

    assert found.size_reasons[-1] == "Its migrations were read, and no new line of them loses data."
