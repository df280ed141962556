"""What guards a branch or an environment, read from GitHub's answers, and what of a difference loosens it."""

import pytest

from changes.connectors.github.guards import branch_guard, compared, environment_guard

RULES = [
    {"type": "pull_request", "parameters": {"required_approving_review_count": 2, "require_last_push_approval": True}},
    {
        "type": "required_status_checks",
        "parameters": {
            "strict_required_status_checks_policy": True,
            "required_status_checks": [{"context": "Countersign", "integration_id": 79929}, {"context": "ci / tests"}],
        },
    },
    {"type": "non_fast_forward"},
    {"type": "required_signatures"},
    {"type": "deletion"},
]
PROTECTION = {
    "required_status_checks": {"strict": False, "contexts": ["lint"], "checks": [{"context": "lint", "app_id": -1}]},
    "required_pull_request_reviews": {"required_approving_review_count": 1, "dismiss_stale_reviews": True},
    "enforce_admins": {"enabled": True},
    "allow_force_pushes": {"enabled": True},
    "restrictions": {"users": [{"login": "ann"}], "teams": [{"slug": "leads"}], "apps": []},
}
RULESET = {"name": "prod", "bypass_actors": [{"actor_id": 5, "actor_type": "Team", "bypass_mode": "exempt"}]}


def test_rules_of_every_level_and_protection_are_one_guard():
    guard = branch_guard(rules=RULES, protection=PROTECTION, rulesets=[RULESET])

    on = {name for name, value in guard.items() if value is True}
    assert on == {"pull_request", "last_push", "strict", "dismiss_stale", "admins_bound", "signatures"}
    assert (guard["reviews"], guard["force_pushes"], guard["deletions"]) == (2, False, False)
    assert guard["checks"] == {"Countersign": 79929, "ci / tests": None, "lint": None}
    assert guard["may_push"] == ["ann", "leads"]
    assert guard["bypass"] == ["Team 5 (exempt)"]
    assert branch_guard(rules=[], protection=None, rulesets=[{"name": "hidden"}])["bypass"] is None


PAIRS = {
    "fewer reviews": ({"reviews": 2}, {"reviews": 1}, "approving reviews required: 2 became 1", True),
    "more reviews": ({"reviews": 1}, {"reviews": 2}, "approving reviews required: 1 became 2", False),
    "flag off": ({"admins_bound": True}, {"admins_bound": False}, "no longer: administrators are bound", True),
    "flag on": ({"force_pushes": False}, {"force_pushes": True}, "now: force pushes are allowed", True),
    "check gone": ({"checks": {"a": 1}}, {"checks": {}}, "no longer required: a", True),
    "check new": ({"checks": {}}, {"checks": {"a": 1}}, "now required: a", False),
    "check from anybody": ({"checks": {"a": 1}}, {"checks": {"a": None}}, "a: expected from app 1, now from anybody", True),
    "check from an app": ({"checks": {"a": None}}, {"checks": {"a": 1}}, "a: expected from anybody, now from app 1", False),
    "bypass new": ({"bypass": []}, {"bypass": ["Team 5 (always)"]}, "may get past the rules, new: Team 5 (always)", True),
    "bypass gone": ({"bypass": ["Team 5 (always)"]}, {"bypass": []}, "may get past the rules, gone: Team 5 (always)", False),
    "bypass hidden": ({"bypass": []}, {"bypass": None}, "who may get past the rules is hidden from the portal now", False),
    "bypass seen": ({"bypass": None}, {"bypass": ["x"]}, "who may get past the rules can be read again", False),
    "all may push": ({"may_push": ["ann"]}, {"may_push": None}, "everybody with write access may push now", True),
    "few may push": ({"may_push": None}, {"may_push": ["ann"]}, "only these may push now: ann", False),
    "one more may push": ({"may_push": ["ann"]}, {"may_push": ["ann", "bob"]}, "may push, new: bob", True),
    "reviewer gone": ({"reviewers": ["User ann"]}, {"reviewers": []}, "reviewers, gone: User ann", True),
    "default branch": ({"default_branch": "main"}, {"default_branch": "dev"}, "the default branch: main became dev", False),
    "public": ({"visibility": "private"}, {"visibility": "public"}, "visibility: private became public", True),
    "unknown": ({"types": ["a"]}, {"types": ["b"]}, "the types changed", False),
}


@pytest.mark.parametrize("case", PAIRS)
def test_a_difference_says_what_it_is_and_whether_it_loosens(case):
    before, after, words, weaker = PAIRS[case]

    assert compared(before=before, after=after) == ([words], [words] if weaker else [])
    assert compared(before=after, after=after) == ([], [])


def test_an_environment_is_guarded_by_people_time_branches_and_apps():
    rules = [
        {"type": "wait_timer", "wait_timer": 30},
        {
            "type": "required_reviewers",
            "prevent_self_review": True,
            "reviewers": [
                {"type": "User", "reviewer": {"login": "ann"}},
                {"type": "Team", "reviewer": {"slug": "leads"}},
            ],
        },
    ]
    environment = {"name": "production", "protection_rules": rules, "deployment_branch_policy": {}, "can_admins_bypass": False}

    assert environment_guard(environment=environment, gates=[{"enabled": True, "app": {"slug": "countersign"}}]) == {
        "reviewers": ["Team leads", "User ann"],
        "no_self_review": True,
        "wait": 30,
        "branch_policy": True,
        "admins_bypass": False,
        "gates": ["countersign"],
    }
