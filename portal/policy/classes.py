"""What makes a change large, routine or risky, as data of a policy version. Pure; ``parameters`` says how path patterns read.

POLICY "What the policy leaves open": large = a new infrastructure app, a new third-party integration, an access-control
mechanism, a destructive migration, DNS or Zero Trust, more lines than the limit, or the requester says so.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class LargeRule:
    """One reason for which a change is large, whoever names it: a path, a new path, a label, or an answer of the form."""

    code: str
    words: str
    """What it is, to end a sentence with: "a new infrastructure app"."""
    paths: tuple[str, ...] = ()
    """Any change of these files."""
    added: tuple[str, ...] = ()
    """A new file that fits; where the status of files is not known, none is new."""
    labels: tuple[str, ...] = ()
    answer: tuple[str, str] | None = None
    """Question and answer of the risk questionnaire that say so."""


DESTRUCTIVE = "data"
"""The code of the rule about migrations, which besides has its own reading of files (``destructive_words``)."""
LARGE_RULES: tuple[LargeRule, ...] = (
    LargeRule("app", "a new infrastructure app", added=("fly*.toml",), labels=("new-app",)),
    LargeRule(
        "integration",
        "a new third-party integration",
        added=("integrations/",),
        labels=("new-integration", "third-party"),
        answer=("outside", "new"),
    ),
    LargeRule(
        "access",
        "an access-control mechanism",
        paths=("access/", "iam/", "rbac/"),
        added=("authorization/", "sso/"),
        labels=("access-control",),
        answer=("access", "yes"),
    ),
    LargeRule("dns", "DNS or Zero Trust configuration", paths=("dns/", "zero-trust/"), labels=("dns", "zero-trust")),
    LargeRule(DESTRUCTIVE, "a destructive migration", labels=("destructive-migration", "data-loss"), answer=("data", "loses")),
)

DESTRUCTIVE_STATEMENTS: tuple[str, ...] = (
    "drop table",
    "drop column",
    "drop schema",
    "drop database",
    "truncate ",
    "delete from",
    "removefield(",
    "deletemodel(",
    ".delete()",
    "op.drop_table(",
    "op.drop_column(",
    "drop_table ",
    "drop_table(",
    "remove_column ",
    "remove_column(",
    "remove_columns ",
    "dropcolumn(",
    "droptable(",
)
"""Words in a new line of a migration that lose data: SQL, Django, Alembic, Rails, Knex. Case and runs of spaces do not matter."""
WAY_BACK: tuple[str, ...] = (
    "def downgrade",
    "def down",
    "exports.down",
    "async down(",
    "-- down",
    "-- +goose down",
    "-- migrate:down",
)
"""Where the part of a migration begins that undoes it, which loses nothing on the way forward."""

DEPENDENCY_FILES: tuple[str, ...] = (
    *("package.json", "requirements*.txt", "requirements*.in", "constraints*.txt", "pipfile", "pyproject.toml"),
    *("cargo.toml", "go.mod", "gemfile", "composer.json", "mix.exs", "pom.xml", "build.gradle", "*.csproj", "pubspec.yaml"),
)
"""Files that say which packages are used; lock files count as well."""
BOT_ACCOUNTS: tuple[str, ...] = ("dependabot[bot]", "dependabot-preview[bot]", "renovate[bot]", "pyup-bot", "snyk-bot")
"""Accounts whose pull requests may be routine dependency updates."""
ROUTINE_ROLLBACK = "Release back to the previous release. (Filled in by the rule for dependency updates.)"
AI_CO_AUTHORS: tuple[str, ...] = (
    *("noreply@anthropic.com", "noreply@openai.com", "codex@openai.com", "cursoragent@cursor.com", "noreply@aider.chat"),
    *("copilot@github.com", "openhands@all-hands.dev"),
    *("copilot", "copilot-swe-agent", "cursoragent", "devin-ai-integration", "gemini-code-assist"),
)
"""Mail addresses and logins of machines that write code, ``*`` for anything: known contributors that are nobody's hand."""

SHARED_PATHS: tuple[str, ...] = ("shared/", "common/", "libs/", "packages/", "core/", "proto/")
"""Paths that many parts of the product stand on."""

RISK_POINTS: tuple[tuple[str, int], ...] = (
    ("reach:some", 2),
    ("reach:all", 4),
    ("undo:steps", 2),
    ("undo:hard", 5),
    ("data:adds", 1),
    ("data:loses", 4),
    ("outside:known", 1),
    ("outside:new", 3),
    ("access:yes", 3),
    ("tested:hand", 1),
    ("tested:not", 3),
    ("files:some", 1),
    ("files:many", 2),
    ("lines:some", 1),
    ("lines:many", 2),
    ("migration", 2),
    ("destructive", 3),
    ("apps", 1),
    ("repositories", 2),
    ("shared", 2),
    ("failure", 2),
    ("unfamiliar", 1),
)
"""What each answer and each measured fact adds. An answer that is not listed adds nothing."""
RISK_LEVELS: tuple[tuple[str, int], ...] = (("low", 0), ("medium", 5), ("high", 10))
"""The level from so many points on, lowest first."""
RISK_STEPS: tuple[tuple[str, tuple[int, int]], ...] = (("files", (10, 50)), ("lines", (200, 800)))
"""More than the first number is "some", more than the second "many"."""
