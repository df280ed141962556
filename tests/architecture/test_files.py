"""Files of people: which there are, so that none is ever served again as it came."""

import re

from django.apps import apps
from django.db.models import FileField

from tests.architecture.test_house import ROOT, sources

READ = {"portal/access/importing", "changes/desk/policy"}
"""Where a form reads a file: people from CSV, and the policy from Markdown."""


def test_no_file_of_anybody_is_kept_and_two_forms_read_one():
    kept = [str(field) for model in apps.get_models() for field in model._meta.get_fields() if isinstance(field, FileField)]
    reading = {
        str(path.parent.relative_to(ROOT))
        for path in sources()
        if re.search(r"request\.FILES|forms\.(?:File|Image)Field", path.read_text())
    }

    assert kept == []
    assert reading == READ
