"""One signed statement for each frozen verdict on a change of the pack: in-toto Statement v1 in a DSSE envelope, a line each.

Whoever builds or deploys can check the signature without the portal, and see what was judged, under which rules, and when.
"""

import re
from collections.abc import Iterator
from typing import Any

from audits.packs.contents.work import Work, portal
from audits.packs.signing import envelope
from audits.populations.facts import moment
from audits.populations.models import PopulationRow
from changes.gates.models import Verdict

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://countersign.example/attestations/change-verdict/v1"
"""The type of the predicate. The name is reserved and leads nowhere: docs/evidence-packs.md says what the predicate holds."""
CHANGE = re.compile(r"CHG-(\d+)")
AT_ONCE = 500
PATH = "attestations/change-verdicts.dsse.jsonl"


def put_statements(work: Work) -> None:
    """All statements about the changes in the pack's populations of changes, by change, in the order in which they were frozen."""
    with work.archive.entry(PATH) as file:
        for verdict in _verdicts(work):
            file.write((envelope(statement(verdict), signer=work.signer) + "\n").encode())


def statement(verdict: Verdict) -> dict[str, Any]:
    """What is stated about one change. The subject's digest is that of the frozen facts on which the gates were judged."""
    return {
        "_type": STATEMENT,
        "subject": [{"name": f"{verdict.change} {verdict.subject}", "digest": {"sha256": verdict.facts_digest}}],
        "predicateType": PREDICATE,
        "predicate": {
            "change": str(verdict.change),
            "address": portal(f"/changes/{verdict.change.number}/"),
            "moment": verdict.moment,
            "about": verdict.subject,
            "outcome": verdict.outcome,
            "gates": [{"name": gate.get("name"), "state": gate.get("state")} for gate in verdict.gates],
            "rulesVersion": verdict.rules_version,
            "policyVersion": verdict.policy_version,
            "frozenAt": moment(verdict.at),
        },
    }


def _verdicts(work: Work) -> Iterator[Verdict]:
    """By the number of their change; some hundred changes at a time, so that memory does not grow with them."""
    numbers = sorted({int(number) for number in _numbers(work)})
    for start in range(0, len(numbers), AT_ONCE):
        rows = Verdict.objects.filter(change__number__in=numbers[start : start + AT_ONCE], at__lte=work.pack.asked_at)
        yield from (
            rows.select_related("change")
            .only(
                "change__number", "moment", "subject", "outcome", "gates", "facts_digest", "rules_version", "policy_version", "at"
            )
            .order_by("change__number", "at", "pk")
        )


def _numbers(work: Work) -> Iterator[str]:
    keys = PopulationRow.objects.filter(population__in=work.populations, key__startswith="CHG-").values_list("key", flat=True)
    for key in keys.iterator(chunk_size=5000):
        found = CHANGE.fullmatch(key)
        if found:
            yield found[1]
