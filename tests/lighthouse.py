"""Runs Lighthouse on the main pages of a running demo company: ``./bin/lighthouse [address]``. A tool, not a test.

Three categories: accessibility, best practices, performance, as on a desktop. SEO is left out: every page asks not to be found.
The browser is signed in by a cookie that goes with each request. LIGHTHOUSE names an own copy of the program.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import requests

VERSION = "13.5.0"
PASSWORD = "northwind-demo-2026"
"""Of everybody in the demo company; the sign-in page shows it."""
PAGES = {
    "ann": ("/", "/changes/", "{change}", "/changes/new/", "/meetings/", "/deploys/", "/policy/", "/training/"),
    "mia": ("/exceptions/", "/controls/", "/audits/", "/insights/"),
}
CATEGORIES = ("performance", "accessibility", "best-practices")
FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-background-networking --disable-component-update --no-first-run"
TIMES = {
    "FCP": "first-contentful-paint",
    "LCP": "largest-contentful-paint",
    "TBT": "total-blocking-time",
    "CLS": "cumulative-layout-shift",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MISSING = "Nothing was done: {what} is missing. Lighthouse needs Node 20 or newer with npx, and Chromium; pictures need Chromium."


def program() -> list[str]:
    """How Lighthouse is called. Ends the program, saying so, where that cannot be."""
    own = os.environ.get("LIGHTHOUSE")
    for name in ("node",) if own else ("node", "npx"):
        if shutil.which(name) is None:
            sys.exit(MISSING.format(what=name))
    return ["node", own] if own else ["npx", "--yes", f"lighthouse@{VERSION}"]


def chromium(*others: str) -> str:
    """The path of a Chromium, also of ``others`` that will do. Ends the program, saying so, where there is none."""
    found = next(filter(None, map(shutil.which, (*BROWSERS, *others))), None)
    return found or sys.exit(MISSING.format(what="Chromium"))


def signed_in(base: str, name: str) -> requests.Session:
    """A session of one person of the demo company."""
    session = requests.Session()
    page = session.get(f"{base}/account/login/", timeout=30).text
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    if token is None:
        sys.exit(f"{base} shows no sign-in form.")
    given = {"login": f"{name}@northwind.example", "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
    answer = session.post(f"{base}/account/login/", data=given, headers={"Referer": base}, timeout=30)
    if "/account/login/" in answer.url:
        sys.exit(f"{name} could not sign in: is this the demo company?")
    return session


def looked_at(address: str, cookies: str, folder: Path) -> dict:
    """What Lighthouse says of one page."""
    report = folder / "report.json"
    headers = folder / "headers.json"
    headers.write_text(json.dumps({"Cookie": cookies}))
    asked = [f"--only-categories={','.join(CATEGORIES)}", "--preset=desktop", "--quiet", "--output=json", f"--output-path={report}"]
    subprocess.run(
        [*program(), address, *asked, f"--extra-headers={headers}", f"--chrome-flags={FLAGS}"],
        check=True,
        env={**os.environ, "CHROME_PATH": chromium()},
        timeout=180,
    )
    return json.loads(report.read_text())


def shortcomings(found: dict) -> list[str]:
    """Audits that took points, with what they found first."""
    lines = []
    for category in CATEGORIES:
        for part in found["categories"][category]["auditRefs"]:
            audit = found["audits"][part["id"]]
            if part["weight"] and audit["score"] is not None and audit["score"] < 1:
                items = (audit.get("details") or {}).get("items") or []
                lines.append(f"  {category}: {audit['title']} {audit.get('displayValue', '')} {json.dumps(items[:1])[:300]}")
    return lines


def main() -> None:
    """Each page, its figures, and what is below 100."""
    base = (sys.argv[1:] or ["http://127.0.0.1:8000"])[0].rstrip("/")
    below = []
    with tempfile.TemporaryDirectory() as name:
        for person, paths in PAGES.items():
            session = signed_in(base, person)
            newest = re.search(r'href="(/changes/\d+/)"', session.get(f"{base}/changes/", timeout=30).text)
            for place in paths:
                path = place.format(change=newest[1] if newest else "/changes/")
                cookies = "; ".join(f"{key}={value}" for key, value in session.cookies.items())
                found = looked_at(f"{base}{path}", cookies, Path(name))
                scores = [round(100 * (found["categories"][category]["score"] or 0)) for category in CATEGORIES]
                times = ", ".join(f"{short} {found['audits'][audit].get('displayValue', '')}" for short, audit in TIMES.items())
                print(f"{path:20} {person:4} {' / '.join(map(str, scores)):15} {times}", flush=True)
                if min(scores) < 100:
                    below.append(path)
                    print("\n".join(shortcomings(found)), flush=True)
    sys.exit(f"Below 100: {', '.join(below)}" if below else 0)


if __name__ == "__main__":
    main()
