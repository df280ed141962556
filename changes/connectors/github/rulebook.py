"""What GitHub says of a repository's rules beyond what is in force on a branch: rulesets, their history, suites, environments."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from changes.connectors.errors import Forbidden, NotFound, NotJson
from changes.connectors.fields import Fields, Incomplete, Unreadable
from changes.connectors.github.api import Api
from changes.connectors.github.objects import BRANCH, LOGIN
from changes.connectors.models import Source
from changes.delivery.facts import RuleSuiteReported

Json = dict[str, Any]
NOTED = ("bypass", "fail")
"""Results of a rule suite that are kept."""


@dataclass
class Rulebook:
    """The rules of one repository (``owner/name``), asked at one moment. Errors are ``Passing`` and ``Permanent``."""

    source: Source
    repository_name: str
    at: datetime
    api: Api = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.api = Api(source=self.source, at=self.at)

    def _path(self, rest: str) -> str:
        owner, _, name = self.repository_name.partition("/")
        return f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}{rest}"

    def ruleset(self, *, rule: Mapping[str, Any]) -> Json | None:
        """The ruleset that a rule in force comes from; None when we may not see it.

        ``bypass_actors`` is only there for somebody who may write the ruleset (REFERENCE §1.1, 6).
        """
        number = rule.get("ruleset_id")
        organisation = rule.get("ruleset_source_type") == "Organization"
        place = f"/orgs/{quote(str(rule.get('ruleset_source')), safe='')}/rulesets/{number}"
        try:
            return _object(self.api.get(path=place if organisation else self._path(f"/rulesets/{number}")))
        except (Forbidden, NotFound):
            return None

    def changed_by(self, *, ruleset: int, since: datetime) -> int | None:
        """The account that made the newest version of a ruleset after ``since``; None when nobody did, or it is not told."""
        try:
            versions = list(self.api.items(path=self._path(f"/rulesets/{ruleset}/history")))
        except (Forbidden, NotFound):
            return None
        for version in versions:
            fields = Fields.of(value=version, path="version")
            actor, made_at = fields.within("actor"), fields.moment("updated_at")
            if actor is not None and made_at is not None and made_at > since:
                return actor.number("id")
        return None

    def suites(self) -> Iterator[RuleSuiteReported]:
        """Pushes to branches in the last month that the rules refused or that somebody took past them: unchanged, it is free."""
        for result in NOTED:
            query = {"time_period": "month", "rule_suite_result": result}
            for row in self.api.items(path=self._path("/rulesets/rule-suites"), query=query):
                found = _suite(row)
                if found is not None:
                    yield found

    def environments(self) -> list[Json]:
        """The environments with their protection rules."""
        return list(self.api.items(path=self._path("/environments"), under="environments"))

    def gates(self, *, environment: str) -> list[Json]:
        """The custom deployment protection rules of an environment."""
        path = self._path(f"/environments/{quote(environment, safe='')}/deployment_protection_rules")
        try:
            found = _object(self.api.get(path=path)).get("custom_deployment_protection_rules")
        except (Forbidden, NotFound):
            return []
        return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []

    def answer_gate(self, *, run: int, environment: str, approve: bool, comment: str) -> None:
        """Answer a run that waits for the portal's word on an environment."""
        body = {"environment_name": environment, "state": "approved" if approve else "rejected", "comment": comment}
        self.api.tell(path=self._path(f"/actions/runs/{run}/deployment_protection_rule"), body=body)


def _suite(row: Json) -> RuleSuiteReported | None:
    fields = Fields.of(value=row, path="rule suite")
    try:
        ref = fields.needed_text("ref")
        if not ref.startswith(BRANCH):
            return None
        return RuleSuiteReported(
            vendor_id=fields.needed_number("id"),
            branch=ref.removeprefix(BRANCH),
            before=fields.needed_commit("before_sha"),
            after=fields.needed_commit("after_sha"),
            result=fields.needed_text("result", limit=10),
            pushed_at=fields.needed_moment("pushed_at"),
            actor_uid=fields.number("actor_id"),
            actor_login=fields.text("actor_name", limit=LOGIN),
        )
    except (Unreadable, Incomplete) as wrong:
        raise NotJson(f"GitHub's answer cannot be used: {wrong}") from None


def _object(value: Any) -> Json:
    if not isinstance(value, dict):
        raise NotJson("GitHub did not answer with an object")
    return value
