"""Runs Lighthouse on the main pages of a running demo company: ``./bin/lighthouse [address] [path …]``. A tool, not a test.

Three categories: accessibility, best practices, performance, as on a desktop, or on a slow phone (``--mobile``). SEO is left out:
every page asks not to be found. ``--times 3`` looks at each page three times; the middle of each counts. The browser is signed in
beforehand, as a person would do it. LIGHTHOUSE names an own copy of the program.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median_low

from playwright.sync_api import Error, Page, sync_playwright

VERSION = "13.5.0"
PASSWORD = "northwind-demo-2026"
"""Of everybody in the demo company; the sign-in page shows it."""
PAGES = {
    "ann": ("/", "/changes/", "{change}", "/changes/new/", "/meetings/", "/deploys/", "/policy/", "/training/"),
    "mia": ("/exceptions/", "/controls/", "/audits/", "/insights/"),
}
CATEGORIES = ("performance", "accessibility", "best-practices")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)
TIMES = {
    "FCP": "first-contentful-paint",
    "LCP": "largest-contentful-paint",
    "TBT": "total-blocking-time",
    "CLS": "cumulative-layout-shift",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell")
MISSING = "Nothing was done: {what} is missing. Lighthouse needs Node 22.19 with npx, and Chromium; pictures need Chromium."
FULL = 100
LONGEST = 180
"""Seconds that one look may take."""


def program() -> list[str]:
    """How Lighthouse is called. Ends the program, saying so, where that cannot be."""
    own = os.environ.get("LIGHTHOUSE")
    for name in ("node",) if own else ("node", "npx"):
        if shutil.which(name) is None:
            sys.exit(MISSING.format(what=name))
    return ["node", own] if own else ["npx", "--yes", f"lighthouse@{VERSION}"]


def chromium() -> str:
    """The path of a Chromium. Ends the program, saying so, where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return found or sys.exit(MISSING.format(what="Chromium"))


def sign_in(page: Page, base: str, person: str) -> None:
    """One person of the demo company, by the form. Ends the program, saying so, where nobody answers or lets the person in."""
    try:
        page.goto(f"{base}/account/login/")
    except Error as error:
        sys.exit(f"Nothing was done: {error.message.splitlines()[0]}. Is there a demo company (./bin/up) at {base}?")
    page.fill("input[name=login]", f"{person}@northwind.example")
    page.fill("input[name=password]", PASSWORD)
    page.click("main form button[type=submit]")
    page.wait_for_load_state()
    if "/account/login/" in page.url:
        sys.exit(f"{person} could not sign in at {base}: is this the demo company?")


@contextmanager
def opened(profile: Path) -> Iterator[int]:
    """A Chromium in a new profile; the port at which programs can drive it."""
    given = [*FLAGS, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"]
    # Debian's command is a shell that waits for the browser: all of its group is ended.
    browser = subprocess.Popen([chromium(), *given], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    said = profile / "DevToolsActivePort"
    try:
        for _ in range(LONGEST):
            if said.exists() and said.read_text():
                break
            time.sleep(1)
        yield int(said.read_text().split()[0])
    finally:
        os.killpg(browser.pid, signal.SIGTERM)
        browser.wait()


def signed_in(base: str, person: str, port: int) -> str:
    """Leave one person signed in, in the browser at a port; the path of the change that their list begins with.

    A cookie that Lighthouse itself sends along goes with the page alone: to whatever its scripts ask they would be signed out.
    """
    with sync_playwright() as play:
        page = play.chromium.connect_over_cdp(f"http://127.0.0.1:{port}").contexts[0].new_page()
        sign_in(page, base, person)
        page.goto(f"{base}/changes/")
        found = re.search(r'href="(/changes/\d+/)"', page.content())
        page.close()
    return found[1] if found else sys.exit("There is no change: wait until the start page says that the demo company is filled.")


def looked_at(address: str, port: int, *, mobile: bool, folder: Path) -> dict:
    """What Lighthouse says of one page. Ends the program, saying so, where it says nothing or looked at another page."""
    report = folder / "report.json"
    kind = [] if mobile else ["--preset=desktop"]
    output = ["--quiet", "--output=json", f"--output-path={report}"]
    asked = [f"--only-categories={','.join(CATEGORIES)}", f"--port={port}"]
    try:
        subprocess.run([*program(), address, *kind, *output, *asked], check=True, timeout=LONGEST)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        sys.exit(f"Lighthouse did not look at {address}: {error}")
    found = json.loads(report.read_text())
    if found["finalDisplayedUrl"] != address:
        sys.exit(f"{address} led to {found['finalDisplayedUrl']}.")
    return found


def scores_of(looks: list[dict]) -> list[int]:
    """Of each category the middle of its scores, 0 to 100."""
    return [round(100 * median_low(look["categories"][category]["score"] or 0 for look in looks)) for category in CATEGORIES]


def times_of(looks: list[dict]) -> str:
    """The middle of each time and of what moved, as Lighthouse words it."""
    words = []
    for short, name in TIMES.items():
        values = sorted((look["audits"][name] for look in looks), key=lambda audit: audit["numericValue"])
        words.append(f"{short} {values[(len(values) - 1) // 2]['displayValue']}")
    return ", ".join(words)


def shortcomings(found: dict) -> list[str]:
    """Audits that took points, with what they found first."""
    lines = []
    for category in CATEGORIES:
        for part in found["categories"][category]["auditRefs"]:
            audit = found["audits"][part["id"]]
            if part["weight"] and audit["score"] is not None and audit["score"] < 1:
                items = (audit.get("details") or {}).get("items") or []
                first = json.dumps(items[:1])[:300]
                lines.append(f"  {category}: {part['id']}, {audit['title']} {audit.get('displayValue', '')} {first}")
    return lines


def told(path: str, person: str, looks: list[dict]) -> bool:
    """Print the figures of one page; whether one of them is below 100."""
    scores = scores_of(looks)
    print(f"{path:20} {person:4} {' / '.join(map(str, scores)):15} {times_of(looks)}", flush=True)
    if min(scores) == FULL:
        return False
    print("\n".join(shortcomings(min(looks, key=lambda look: sum(scores_of([look]))))), flush=True)
    return True


def asked() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="./bin/lighthouse", description="Lighthouse on the main pages of a running demo company.")
    parser.add_argument("address", nargs="?", default="http://127.0.0.1:8000")
    parser.add_argument("paths", nargs="*", metavar="path", help="only these of the main pages; {change} is the newest change")
    parser.add_argument("--mobile", action="store_true", help="a slow phone instead of a desktop")
    parser.add_argument("--times", type=int, default=1, help="how often each page is looked at; the middle counts")
    return parser.parse_args()


def main() -> None:
    """Each page, its figures, and what is below 100."""
    given = asked()
    base = given.address.rstrip("/")
    below = []
    for person, paths in PAGES.items():
        wanted = [path for path in paths if not given.paths or path in given.paths]
        if wanted:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, opened(Path(name) / "profile") as port:
                change = signed_in(base, person, port)
                for path in (place.format(change=change) for place in wanted):
                    looks = [looked_at(f"{base}{path}", port, mobile=given.mobile, folder=Path(name)) for _ in range(given.times)]
                    below += [path] if told(path, person, looks) else []
    sys.exit(f"Below 100: {', '.join(below)}" if below else 0)


if __name__ == "__main__":
    main()
