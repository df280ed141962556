"""Marks, requests and findings as flat records, each with the name under which the ledger keeps its row. None of them ever changes.

A list of the database stands under another name than its column, for the ledger writes it in PostgreSQL's own way.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Model, QuerySet

from audits.engagements.models import Engagement
from audits.findings.models import Finding, FindingStep
from audits.packs.contents.work import Work
from audits.populations.facts import moment
from audits.requests.models import Request, RequestMessage
from audits.samples.models import Mark
from portal.ledger.actions import row_key


def read_records(work: Work) -> None:
    """Fill ``work.records``: what the ledger covers below the checkpoint, oldest first."""
    for name, rows in _lists(work.engagement):
        records = [record_of(row) for row in rows.order_by("pk") if row_key(row) in work.covered]
        if records:
            work.records[name] = records


def put_records(work: Work) -> None:
    """One file for each sort."""
    for name, records in work.records.items():
        work.archive.put_lines(f"records/{name}.jsonl", records)


def record_of(row: Model) -> dict[str, Any]:
    """A row by the names of its columns."""
    found: dict[str, Any] = {"row": row_key(row)}
    for field in row._meta.concrete_fields:
        value = getattr(row, field.attname)
        if isinstance(value, list):
            found[f"{field.attname}_list"] = value
        else:
            found[field.attname] = moment(value) if isinstance(value, datetime) else value
    return found


def _lists(engagement: Engagement) -> Iterator[tuple[str, QuerySet[Any]]]:
    yield "marks", Mark.objects.filter(item__sample__engagement=engagement)
    yield "requests", Request.objects.filter(engagement=engagement)
    yield "request-messages", RequestMessage.objects.filter(request__engagement=engagement)
    yield "findings", Finding.objects.filter(engagement=engagement)
    yield "finding-steps", FindingStep.objects.filter(finding__engagement=engagement)
