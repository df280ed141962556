"""Everybody involved is trained on the policy, at the merge to prod (P-28): a part of gate 8."""

from changes.gates.facts import ChangeFacts
from changes.gates.gate import Evidence, Judgement, met, open_or_failed
from changes.gates.reading import into_prod, listed, moment
from portal.policy.clauses import Clause

TRAINING = "training"
NO_COURSE = "The policy in force has no course yet, so nobody is trained on it."
PLACE = Evidence("Training", "training:")


def everybody_trained(facts: ChangeFacts, *, alone: bool) -> list[Judgement]:
    """Nothing while there was never a course. While the policy in force has none, the earlier one counts, and is in doubt.

    ``alone``: the approval itself is met, so that what is open is about P-28 and nothing else.
    """
    if not facts.training:
        return []
    lacking = [item for item in facts.training if not item.current]
    if not lacking:
        count = len(facts.training)
        words = "the one person involved is trained" if count == 1 else f"the {count} people involved are trained"
        return [met(words, PLACE, doubt="" if TRAINING in facts.connected else NO_COURSE)]
    late = any(pr.merged_at for pr in into_prod(facts))
    told = [f"{item.by.name} {item.why}{f' (since {moment(item.since)})' if item.since else ''}" for item in lacking]
    names = listed(item.by.name for item in lacking)
    verb = "takes" if len(lacking) == 1 else "take"
    return [
        open_or_failed(
            late=late,
            reason=f"not everybody involved is trained: {'; '.join(told)}",
            who=f"{names} {verb} the course on the policy, under Training.",
            evidence=(PLACE,),
            clause=Clause.TRAINED if alone else None,
        )
    ]
