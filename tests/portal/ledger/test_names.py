"""What the ledger's rows are called in logs, and what a plan says of its functions."""

from types import SimpleNamespace

from portal.ledger import fingerprint
from portal.ledger.models import LedgerAnchor, LedgerRedaction, LedgerVerification


def test_rows_are_named_by_what_they_are():
    rows = [LedgerRedaction(pk=3), LedgerAnchor(name="files"), LedgerVerification(pk=4)]

    assert [str(row) for row in rows] == ["redaction 3", "files", "verification 4"]


def test_the_head_of_every_function_of_a_plan_is_found():
    texts = [f"CREATE OR REPLACE FUNCTION {name}() RETURNS int LANGUAGE sql AS $body$ SELECT 1 $body$" for name in ("a", "b")]

    heads = list(fingerprint._heads(SimpleNamespace(functions=texts)))

    assert [head.split("(")[0].rsplit(" ", 1)[1] for head in heads] == ["a", "b"]
