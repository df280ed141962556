"""A pack from asking to downloading: what is in it, that it comes out the same, and that nothing half is ever offered."""

import io
import zipfile

import pytest

from audits.packs.tools.main import verify
from tests.audits.packs.made import asked, built, content_of, furnished

pytestmark = pytest.mark.django_db


def test_pack_holds_everything_and_verifies(where):
    uma, engagement = furnished()

    pack = built(asked(engagement, uma), where)

    assert (pack.state, pack.trouble) == ("ready", "")
    content = content_of(pack)
    files = zipfile.ZipFile(io.BytesIO(content))
    print("\n".join(files.namelist()))
    print(verify(content))
