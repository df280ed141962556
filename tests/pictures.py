"""Takes the pictures of README.md and docs/guides from a running demo company: ``./bin/pictures [address]``. A tool, not a test.

Each is what one person sees at 1280 by 800 in the light theme, in 256 colours.
"""

import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.lighthouse import chromium, sign_in

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "images"
SIZE = {"width": 1280, "height": 800}
COLOURS = 256


@dataclass(frozen=True)
class Picture:
    """``path`` is where it begins; ``link``, if any, the pattern of the first link there that is followed."""

    person: str
    path: str
    link: str = ""


PICTURES = {
    "change": Picture("bob", "/", r"/changes/\d+/#approval"),
    "engineer": Picture("ann", "/changes/new/"),
    "approver": Picture("bob", "/"),
    "chair": Picture("cleo", "/meetings/", r"/meetings/\d+/"),
    "architect": Picture("dev", "/oversight/"),
    "compliance": Picture("mia", "/controls/"),
    "auditor": Picture("uma", "/completeness/"),
    "administrator": Picture("rex", "/integrations/"),
}


def signed_in(browser: Browser, base: str, person: str) -> Page:
    """A page of somebody of the demo company."""
    page = browser.new_context(viewport=SIZE, color_scheme="light", base_url=base).new_page()
    sign_in(page, base, person)
    return page


def taken(page: Page, picture: Picture) -> bytes:
    """The picture as PNG. Ends the program where the link is missing: then this is no whole demo company."""
    page.goto(picture.path)
    if picture.link:
        found = re.search(f'href="({picture.link})"', page.content())
        if found is None:
            sys.exit(f"{picture.path} has no link like {picture.link}: is the demo company filled?")
        page.goto(found[1].partition("#")[0])
    page.wait_for_timeout(500)
    small = io.BytesIO()
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS).save(small, "PNG", optimize=True)
    return small.getvalue()


def main() -> None:
    """All of them, or those that are named after the address."""
    base, *names = sys.argv[1:] or ["http://127.0.0.1:8000"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for name in names or PICTURES:
            data = taken(signed_in(browser, base.rstrip("/"), PICTURES[name].person), PICTURES[name])
            (FOLDER / f"{name}.png").write_bytes(data)
            print(f"{name}.png {len(data) // 1024} kB", flush=True)


if __name__ == "__main__":
    main()
