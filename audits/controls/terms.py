"""What stands beside each control in the catalogue: criteria, frequency, expected exceptions, and the sources it rests on. Pure.

Criteria are cited by id only (AICPA, trust services criteria); their text is not ours.
"""

from portal.policy.clauses import Clause

CRITERIA: dict[Clause, tuple[str, ...]] = {
    Clause.LARGE_DECIDED: ("CC8.1", "CC3.4"),
    Clause.STARTS_AS_PULL_REQUEST: ("CC8.1",),
    Clause.REVIEWED: ("CC8.1", "CC5.3"),
    Clause.STAGING_FIRST: ("CC8.1",),
    Clause.CATEGORY: ("CC8.1",),
    Clause.IN_GIT: ("CC8.1", "CC7.1"),
    Clause.INFRASTRUCTURE_AS_CODE: ("CC8.1", "CC7.1"),
    Clause.PROD_RESTRICTED: ("CC8.1", "CC6.1"),
    Clause.MAIN_RESTRICTED: ("CC8.1", "CC6.1"),
    Clause.STAGING_MIRRORS: ("CC8.1",),
    Clause.CI_PASSES: ("CC8.1",),
    Clause.DEPLOYED_THROUGH_FLY: ("CC8.1", "CC7.2"),
    Clause.SECRETS_FROM_DOPPLER: ("CC6.1",),
    Clause.LOGGED: ("CC2.2", "CC7.2"),
    Clause.ENVIRONMENTS_APART: ("CC6.1", "CC8.1"),
    Clause.VERSION_CONTROL: ("CC8.1",),
    Clause.ROLLBACK: ("CC7.5", "CC8.1"),
    Clause.SNAPSHOT: ("CC7.5",),
    Clause.ACCESS_RESTRICTED: ("CC6.1", "CC6.2", "CC6.3"),
    Clause.AUTHORISED_MERGE: ("CC6.1", "CC6.3"),
    Clause.EMERGENCY_COORDINATED: ("CC7.4",),
    Clause.EMERGENCY_REVIEW: ("CC7.4", "CC7.5", "CC8.1"),
    Clause.INVENTORY: ("CC6.1", "CC7.1"),
    Clause.CLOUDFLARE: ("CC6.1", "CC7.2", "CC8.1"),
    Clause.POLICY_REVIEWED: ("CC5.3",),
    Clause.COMPLIANCE: ("CC8.1", "CC4.1"),
    Clause.AUDITED: ("CC4.1",),
    Clause.TRAINED: ("CC1.4", "CC2.2"),
    Clause.FOLLOWED: ("CC4.1", "CC7.3"),
    Clause.OVERSEEN: ("CC3.4", "CC5.3"),
    Clause.CONFIDENTIAL: ("CC6.1", "CC2.3"),
}

EACH_TIME = "Each time"
FREQUENCY: dict[Clause, str] = {
    Clause.IN_GIT: "Always; compared daily",
    Clause.INFRASTRUCTURE_AS_CODE: "Always; compared every ten minutes",
    Clause.STAGING_MIRRORS: "Always; compared every ten minutes",
    Clause.SECRETS_FROM_DOPPLER: "Always; compared every ten minutes",
    Clause.ENVIRONMENTS_APART: "Always; compared every ten minutes",
    Clause.VERSION_CONTROL: "Always; read every minute",
    Clause.ACCESS_RESTRICTED: "Each time, and every three months",
    Clause.INVENTORY: "Every month",
    Clause.POLICY_REVIEWED: "At least every twelve months",
    Clause.AUDITED: "Every twelve months",
    Clause.TRAINED: "On joining, every twelve months, and after each material version",
    Clause.OVERSEEN: "Every two weeks",
    Clause.CONFIDENTIAL: "Always",
}
"""How often what it looks at happens; ``EACH_TIME`` where it is left out."""

EXPECTED: dict[Clause, str] = {
    Clause.STARTS_AS_PULL_REQUEST: "Commits from before a repository came into scope.",
    Clause.REVIEWED: "A declared emergency whose +1 stands in for the review (P-22).",
    Clause.STAGING_FIRST: "Emergencies that somebody declared (P-22).",
    Clause.STAGING_MIRRORS: "Scale: size, place and number of machines.",
    Clause.LOGGED: "What was released before Slack was connected, and what is not due yet at the end of the window.",
    Clause.ROLLBACK: "A declared emergency may write its plan until its retrospective review.",
    Clause.ACCESS_RESTRICTED: "Declared emergencies, whose +1 is looked at under P-22.",
    Clause.AUTHORISED_MERGE: "Merges from before the first list of a branch was in force.",
    Clause.INVENTORY: "Months before the first reading, and months whose ten days to sign are not over.",
    Clause.CLOUDFLARE: "Edits from before Cloudflare was connected, and attempts that failed at Cloudflare.",
    Clause.POLICY_REVIEWED: "The version that the portal begins with.",
    Clause.TRAINED: "Auditors, and everybody while no course was published.",
}

_MERGES = frozenset({"forge"})
NEEDS: dict[Clause, frozenset[str]] = {
    Clause.LARGE_DECIDED: _MERGES,
    Clause.STARTS_AS_PULL_REQUEST: frozenset({"git", "forge"}),
    Clause.REVIEWED: _MERGES,
    Clause.STAGING_FIRST: frozenset({"forge", "fly"}),
    Clause.IN_GIT: frozenset({"git", "fly"}),
    Clause.INFRASTRUCTURE_AS_CODE: frozenset({"git", "fly"}),
    Clause.PROD_RESTRICTED: _MERGES,
    Clause.MAIN_RESTRICTED: _MERGES,
    Clause.STAGING_MIRRORS: frozenset({"fly"}),
    Clause.CI_PASSES: _MERGES,
    Clause.DEPLOYED_THROUGH_FLY: frozenset({"git", "forge", "fly"}),
    Clause.SECRETS_FROM_DOPPLER: frozenset({"fly", "doppler"}),
    Clause.LOGGED: frozenset({"forge", "fly", "slack", "doppler", "cloudflare"}),
    Clause.ENVIRONMENTS_APART: frozenset({"fly", "doppler"}),
    Clause.ROLLBACK: _MERGES,
    Clause.SNAPSHOT: _MERGES,
    Clause.ACCESS_RESTRICTED: _MERGES,
    Clause.AUTHORISED_MERGE: _MERGES,
    Clause.EMERGENCY_COORDINATED: frozenset({"slack"}),
    Clause.EMERGENCY_REVIEW: _MERGES,
    Clause.CLOUDFLARE: frozenset({"cloudflare"}),
    Clause.COMPLIANCE: _MERGES,
}
"""The sources whose readings it rests on (``unread``); nothing for what happens in the portal itself."""
