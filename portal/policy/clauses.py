"""The clauses of the policy, P-01 … P-31, in our own words. The ids stand in refusals, gates, exceptions and controls."""

from enum import StrEnum


class Clause(StrEnum):
    """A clause id. ``sentence`` says it; ``chapter`` groups it."""

    LARGE_DECIDED = "P-01"
    STARTS_AS_PULL_REQUEST = "P-02"
    REVIEWED = "P-03"
    STAGING_FIRST = "P-04"
    CATEGORY = "P-05"
    IN_GIT = "P-06"
    INFRASTRUCTURE_AS_CODE = "P-07"
    PROD_RESTRICTED = "P-08"
    MAIN_RESTRICTED = "P-09"
    STAGING_MIRRORS = "P-10"
    CI_PASSES = "P-11"
    DEPLOYED_THROUGH_FLY = "P-12"
    SECRETS_FROM_DOPPLER = "P-13"
    LOGGED = "P-14"
    ENVIRONMENTS_APART = "P-15"
    VERSION_CONTROL = "P-16"
    ROLLBACK = "P-17"
    SNAPSHOT = "P-18"
    ACCESS_RESTRICTED = "P-19"
    AUTHORISED_MERGE = "P-20"
    EMERGENCY_COORDINATED = "P-21"
    EMERGENCY_REVIEW = "P-22"
    INVENTORY = "P-23"
    CLOUDFLARE = "P-24"
    POLICY_REVIEWED = "P-25"
    COMPLIANCE = "P-26"
    AUDITED = "P-27"
    TRAINED = "P-28"
    FOLLOWED = "P-29"
    OVERSEEN = "P-30"
    CONFIDENTIAL = "P-31"

    @property
    def sentence(self) -> str:
        """The clause as one plain sentence."""
        return SENTENCES[self][1]

    @property
    def chapter(self) -> str:
        """The chapter of the policy that it stands in."""
        return SENTENCES[self][0]


SENTENCES: dict[Clause, tuple[str, str]] = {
    Clause.LARGE_DECIDED: (
        "Proposing",
        "A large change is decided at an architecture meeting before it is implemented.",
    ),
    Clause.STARTS_AS_PULL_REQUEST: ("Proposing", "Application and infrastructure changes start as pull requests."),
    Clause.REVIEWED: ("Reviewing", "Somebody else reviews a pull request before it is merged and deployed."),
    Clause.STAGING_FIRST: ("Testing", "A change is tested in staging before it reaches production."),
    Clause.CATEGORY: ("Proposing", "Every change is either standard or an emergency."),
    Clause.IN_GIT: ("Code", "All code and infrastructure lives in Git."),
    Clause.INFRASTRUCTURE_AS_CODE: ("Code", "Dockerfiles describe machines and TOML files configure Fly."),
    Clause.PROD_RESTRICTED: ("Releasing", "Production changes only by a merge to the restricted branch prod."),
    Clause.MAIN_RESTRICTED: ("Releasing", "Staging changes only by a reviewed merge to main with passing CI."),
    Clause.STAGING_MIRRORS: ("Testing", "Staging mirrors production in all but scale."),
    Clause.CI_PASSES: ("Testing", "CI passes before a merge."),
    Clause.DEPLOYED_THROUGH_FLY: ("Releasing", "Deploys go through Fly with images and configuration files."),
    Clause.SECRETS_FROM_DOPPLER: (
        "Configuration",
        "Secrets of an environment come from Doppler through its Fly integration.",
    ),
    Clause.LOGGED: ("Releasing", "Every production change is logged in one Slack channel."),
    Clause.ENVIRONMENTS_APART: ("Configuration", "Development, staging and production are kept apart."),
    Clause.VERSION_CONTROL: ("Code", "Git is the version control for code and infrastructure."),
    Clause.ROLLBACK: ("Undoing", "Any earlier version can be rolled back to."),
    Clause.SNAPSHOT: ("Undoing", "A change with a database migration names its snapshot and how to restore it."),
    Clause.ACCESS_RESTRICTED: ("Access", "Access to change things is restricted per environment and branch."),
    Clause.AUTHORISED_MERGE: ("Access", "Only authorised people merge to prod and main."),
    Clause.EMERGENCY_COORDINATED: ("Emergencies", "Emergencies are coordinated in one Slack thread each."),
    Clause.EMERGENCY_REVIEW: (
        "Emergencies",
        "An emergency gets a +1 by somebody else at once and a full review afterwards.",
    ),
    Clause.INVENTORY: ("Configuration", "The inventory of assets keeps itself from Fly's tooling."),
    Clause.CLOUDFLARE: ("Configuration", "Cloudflare holds DNS and Zero Trust configuration; edits there are changes."),
    Clause.POLICY_REVIEWED: ("Governance", "The policy is reviewed and updated in architecture meetings."),
    Clause.COMPLIANCE: ("Governance", "All changes comply."),
    Clause.AUDITED: ("Governance", "Audits are held regularly."),
    Clause.TRAINED: ("People", "Everyone involved is trained on the policy."),
    Clause.FOLLOWED: ("People", "Everyone follows the policy; exceptions are approved and end on a date."),
    Clause.OVERSEEN: ("Governance", "The architecture team oversees change management."),
    Clause.CONFIDENTIAL: ("Governance", "The policy and the records are confidential."),
}
