"""The controls: for every clause of the policy the test that proves it, over which population, and by which check. Pure.

A control has a check, or it says in words why it has none yet; a clause without either fails the tests of the
architecture. ``rows.READERS`` holds the checks by their names; ``terms`` says criteria, frequency, expected exceptions and sources.
"""

from dataclasses import dataclass

from audits.controls import terms
from portal.access.roles import Role
from portal.policy.clauses import Clause


@dataclass(frozen=True)
class Control:
    """One control."""

    clause: Clause
    title: str
    population: str
    test: str
    check: str = ""
    """The name of its check; empty when it comes later."""
    later: str = ""
    """Why there is no check yet; empty when there is one."""

    @property
    def id(self) -> str:
        """``C-03`` for clause ``P-03``: one control a clause."""
        return f"C{self.clause.value[1:]}"

    @property
    def criteria(self) -> tuple[str, ...]:
        """Ids of the trust services criteria that it serves; their text is not ours."""
        return terms.CRITERIA[self.clause]

    @property
    def frequency(self) -> str:
        """How often what it looks at happens."""
        return terms.FREQUENCY.get(self.clause, terms.EACH_TIME)

    @property
    def expected(self) -> str:
        """What is no deviation although it looks like one; empty when nothing is."""
        return terms.EXPECTED.get(self.clause, "")

    @property
    def needs(self) -> frozenset[str]:
        """The sources whose readings it rests on: where one could not be read, the result is unknown."""
        return terms.NEEDS.get(self.clause, frozenset())

    @property
    def owner(self) -> Role:
        """Whose part it is to see that the control works."""
        return OWNERS.get(self.clause, Role.ARCHITECT)


OWNERS: dict[Clause, Role] = {
    Clause.LARGE_DECIDED: Role.CHAIR,
    Clause.POLICY_REVIEWED: Role.CHAIR,
    Clause.OVERSEEN: Role.CHAIR,
    Clause.PROD_RESTRICTED: Role.ADMINISTRATOR,
    Clause.MAIN_RESTRICTED: Role.ADMINISTRATOR,
    Clause.AUTHORISED_MERGE: Role.ADMINISTRATOR,
    Clause.VERSION_CONTROL: Role.ADMINISTRATOR,
    Clause.INVENTORY: Role.ADMINISTRATOR,
    Clause.CLOUDFLARE: Role.ADMINISTRATOR,
    Clause.SECRETS_FROM_DOPPLER: Role.ADMINISTRATOR,
    Clause.LOGGED: Role.ADMINISTRATOR,
    Clause.EMERGENCY_REVIEW: Role.COMPLIANCE,
    Clause.COMPLIANCE: Role.COMPLIANCE,
    Clause.AUDITED: Role.COMPLIANCE,
    Clause.TRAINED: Role.COMPLIANCE,
    Clause.FOLLOWED: Role.COMPLIANCE,
    Clause.CONFIDENTIAL: Role.COMPLIANCE,
}
"""The role that owns a clause's control, where it is not the architecture team."""

_ALL = (
    Control(
        Clause.LARGE_DECIDED,
        "Large changes are decided before they are implemented",
        "Merged changes that are large, and those that meet the criteria of large ones",
        "A binding decision on the revision stands before the first merge; who classed one lower said why.",
        check="large_decided",
    ),
    Control(
        Clause.STARTS_AS_PULL_REQUEST,
        "Every commit on main and prod came by a pull request",
        "First-parent commits of main and prod, from Git itself",
        "A merged pull request accounts for the commit.",
        check="commits_by_pull_request",
    ),
    Control(
        Clause.REVIEWED,
        "Somebody else reviewed what was merged",
        "Pull requests merged into main and prod",
        "An approval of the merged head, by nobody who contributed, not dismissed, at or before the merge; and a merge "
        "commit that holds nothing else.",
        check="merges_reviewed",
    ),
    Control(
        Clause.STAGING_FIRST,
        "Staging comes before production",
        "Pull requests merged into prod, emergencies aside",
        "The same commit succeeded in staging before the merge.",
        check="merges_staged",
    ),
    Control(
        Clause.CATEGORY,
        "Every change is standard or an emergency",
        "Changes opened in the window",
        "The category is set, and the reasons for it are on record.",
        check="changes_categorised",
    ),
    Control(
        Clause.IN_GIT,
        "What runs is in Git",
        "Apps at Fly that were there in the window, from the inventory",
        "The commit of the newest successful release is known in a repository in scope.",
        check="apps_in_git",
    ),
    Control(
        Clause.INFRASTRUCTURE_AS_CODE,
        "Machines are as their files say",
        "Apps at Fly, with all their machines",
        "The running configuration equals the file at the deployed commit.",
        check="machines_as_in_git",
    ),
    Control(
        Clause.PROD_RESTRICTED,
        "Prod is restricted and its rules stand",
        "Pushes to main and prod, and edits of branch rules",
        "No rewritten history, no deleted branch, no rule that was weakened.",
        check="branches_restricted",
    ),
    Control(
        Clause.MAIN_RESTRICTED,
        "Staging changes only by reviewed and green merges to main",
        "Pull requests merged into main, and pushes past them",
        "As P-02, P-03 and P-11, for main.",
        check="main_reviewed_and_green",
    ),
    Control(
        Clause.STAGING_MIRRORS,
        "Staging mirrors production",
        "Pairs of apps in staging and production",
        "Their configuration is the same, scale aside.",
        check="staging_mirrors_production",
    ),
    Control(
        Clause.CI_PASSES,
        "Checks were green at the merge",
        "Pull requests merged into main and prod",
        "Every required check had succeeded on the merged head at the merge.",
        check="merges_green",
    ),
    Control(
        Clause.DEPLOYED_THROUGH_FLY,
        "Only merged commits are released",
        "Releases to staging and production",
        "The released commit is on the branch of its environment.",
        check="releases_of_merged_commits",
    ),
    Control(
        Clause.SECRETS_FROM_DOPPLER,
        "Secrets come from Doppler",
        "Names of secrets at Fly; values are never read",
        "Every name is in Doppler's sync.",
        check="secrets_from_doppler",
    ),
    Control(
        Clause.LOGGED,
        "Production changes are logged in Slack",
        "Releases to production, edits of its secrets at Doppler, and edits of DNS and access at Cloudflare",
        "The message was posted within the time of the policy.",
        check="production_logged",
    ),
    Control(
        Clause.ENVIRONMENTS_APART,
        "Environments are apart",
        "Apps and configurations by environment",
        "None is in two environments.",
        check="environments_apart",
    ),
    Control(
        Clause.VERSION_CONTROL,
        "Git is read for every repository in scope",
        "Repositories in scope",
        "Its Git was read up to the end of the window, and has both branches.",
        check="repositories_mirrored",
    ),
    Control(
        Clause.ROLLBACK,
        "There was a way back before production",
        "Changes merged to prod",
        "The plan stood when the verdict froze at the merge; that of an emergency by its retrospective review.",
        check="ways_back",
    ),
    Control(
        Clause.SNAPSHOT,
        "Migrations name their snapshot",
        "Changes with a migration that were merged to prod",
        "A snapshot was named when the verdict froze at the merge.",
        check="snapshots_named",
    ),
    Control(
        Clause.ACCESS_RESTRICTED,
        "Production is approved, and access is granted by the process",
        "Changes merged to prod, people given access to repositories, access reviews that were due, and rights that were to go",
        "An approval by somebody else stood at the merge; nobody was given access past the portal; reviews and removals in time.",
        check="production_approved",
    ),
    Control(
        Clause.AUTHORISED_MERGE,
        "Authorised people merge",
        "Merges into main and prod while a list was in force for the branch",
        "Who merged was on the list as of that day.",
        check="merges_authorised",
    ),
    Control(
        Clause.EMERGENCY_COORDINATED,
        "Emergencies are coordinated in Slack",
        "Emergencies",
        "Each has its thread in Slack on record.",
        check="emergencies_coordinated",
    ),
    Control(
        Clause.EMERGENCY_REVIEW,
        "Emergencies get a +1 at once and a review in time",
        "Emergencies that reached prod",
        "A +1 by another person before the release, and both reviews afterwards in time.",
        check="emergencies_reviewed",
    ),
    Control(
        Clause.INVENTORY,
        "The inventory keeps itself",
        "Months that are over, since the first reading",
        "Counts at each source and in the inventory agree, and the month is signed within ten days.",
        check="inventory_reconciled",
    ),
    Control(
        Clause.CLOUDFLARE,
        "Edits at Cloudflare are changes",
        "Entries of Cloudflare's audit log on DNS and access",
        "Each matches a change.",
        check="cloudflare_edits_matched",
    ),
    Control(
        Clause.POLICY_REVIEWED,
        "The policy is reviewed",
        "Policy versions",
        "Each came into force by a meeting's decision, at least once in twelve months.",
        check="policy_reviewed",
    ),
    Control(
        Clause.COMPLIANCE,
        "All changes comply",
        "Changes merged to prod",
        "The verdict that froze at the merge has no failed gate.",
        check="verdicts_compliant",
    ),
    Control(
        Clause.AUDITED,
        "Audits are held",
        "Audits of the twelve months before, and their findings",
        "One audit in twelve months, and findings closed in time.",
        check="audits_held",
    ),
    Control(
        Clause.TRAINED,
        "People are trained",
        "People who hold a role here, or a right at a connected system, at the end of the window; auditors left out",
        "Each has passed the quiz and signed the version in force in time.",
        check="people_trained",
    ),
    Control(
        Clause.FOLLOWED,
        "Exceptions are answered in time",
        "Exceptions whose time to answer ran out in the window",
        "None is still open.",
        check="exceptions_answered",
    ),
    Control(
        Clause.OVERSEEN,
        "The architecture team oversees",
        "Meetings",
        "Held as planned, with a quorum.",
        check="meetings_held",
    ),
    Control(
        Clause.CONFIDENTIAL,
        "Policy and records are confidential",
        "Pages of the portal, and every page that an auditor asked for",
        "Every page asks for a sign-in and a right, but sign-in and health; auditors read within their engagement alone.",
        check="records_confidential",
    ),
)
CONTROLS: dict[Clause, Control] = {control.clause: control for control in _ALL}
