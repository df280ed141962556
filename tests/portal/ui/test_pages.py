"""The pages of the frame in a real browser."""

import pytest

from tests.browser import assert_accessible, shoot
from tests.portal.access.people import person

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("path", ["/", "/gallery/", "/help/", "/palette/"])
def test_pages_of_the_frame_are_accessible_in_both_themes(visit, path):
    page = visit(path, by=person("Ann"))

    assert_accessible(page)
    for theme in ("light", "dark"):
        for width in (1440, 390):
            page.emulate_media(color_scheme=theme)
            page.set_viewport_size({"width": width, "height": 900})
            shoot(page, f"frame{path.replace('/', '-')}{theme}")
