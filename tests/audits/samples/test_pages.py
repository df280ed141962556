"""The sheet of one item asks for that item, however many there are and whatever vendors sent about the others."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audits.samples import queries
from audits.samples.models import Sample
from audits.samples.queries import item_at, items_of, positions_of
from audits.samples.sheets import letters_of
from tests.audits.packs.made import furnished

pytestmark = pytest.mark.django_db
RESULTS = [("Auditor", 3, 0), ("Compliance", 3, 1)]


def test_the_page_of_an_item_reads_its_own_sheet_alone():
    uma, engagement = furnished()
    sample, client = Sample.objects.get(), Client()
    client.force_login(uma)

    with CaptureQueriesContext(connection) as asked:
        page = client.get(reverse("audit-sample-item", args=[engagement.pk, sample.number, 2])).content.decode()

    reading = [query["sql"] for query in asked if '"audits_sampleitem"."sheet"' in query["sql"]]
    assert len(reading) == 1
    assert ('"position" = 2' in reading[0], reading[0].count('"sheet"')) == (True, 1)
    assert "Item 2 of 4" in page
    assert [reverse("audit-sample-item", args=[engagement.pk, sample.number, near]) in page for near in (1, 3)] == [True, True]
    assert positions_of(sample) == [item.position for item in items_of(sample)] == [1, 2, 3, 4]
    first, last = item_at(sample, 1), item_at(sample, 4)
    assert (first.replaced_by, last.replaces, last.sheet["key"]) == (last, first, last.row.key)
    assert client.get(reverse("audit-sample-item", args=[engagement.pk, sample.number, 5])).status_code == 404


def test_the_page_of_a_sample_shows_some_items_with_their_sheets_and_the_result_of_all(monkeypatch):
    uma, engagement = furnished()
    sample, client = Sample.objects.get(), Client()
    client.force_login(uma)
    monkeypatch.setattr(queries, "ITEMS", 3)
    address = reverse("audit-sample", args=[engagement.pk, sample.number])

    with CaptureQueriesContext(connection) as asked:
        first = client.get(address)

    assert [item.position for item, _ in first.context["items"]] == [1, 2, 3]
    assert [query["sql"].rpartition("LIMIT ")[2] for query in asked if '"audits_sampleitem"."sheet",' in query["sql"]] == ["4"]
    second = client.get(address + first.context["older"])
    assert [item.position for item, _ in second.context["items"]] == [4]
    assert [first.context["newer"], second.context["older"]] == ["", ""]
    for page in (first, second):
        assert [(side, result.items, result.tested) for side, result in page.context["results"]] == RESULTS
    assert queries.judged_items(sample)[0].sheet == {
        "attributes": [{"letter": one} for one in letters_of(items_of(sample)[0].sheet)]
    }
