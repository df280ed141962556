"""``python -m portal.ui.lint``: what a strict content security policy and our design rules forbid, found in 0.1 s.

Looks at every template, and at the Python that writes markup: each class must exist in the built style sheet, and nothing
may need an inline script, a style attribute or eval. Prints one line a finding and exits with 1 when there is any.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STYLE = ROOT / "portal" / "static" / "portal" / "app.css"
TEMPLATES = ("templates/**/*.html",)
MARKUP = ("portal/templatetags/*.py", "portal/ui/components/*.py", "portal/ui/navigation.py")

NO_LOOK = frozenset({"t"})
"""Classes without a rule of their own."""

FORBIDDEN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), why)
    for pattern, why in (
        (r"\sstyle\s*=", "style attribute"),
        (r"<style\b", "style element"),
        (r"\son[a-z]+\s*=\s*[\"'{]", "inline handler"),
        (r"<script\b(?![^>]*\bsrc\s*=)(?![^>]*type\s*=\s*[\"']application/json)[^>]*>", "inline script"),
        (r"\b(?:data-)?hx-on\b", "hx-on needs eval"),
        (r"hx-(?:vals|vars|headers)\s*=\s*[\"']\s*js(?:on)?:", "js: needs eval"),
        (r"\bhx-vars\b", "hx-vars needs eval"),
        (r"hx-trigger\s*=\s*[\"'][^\"']*\[", "a filter in a trigger needs eval"),
        (r"morph:\{", "morph configuration needs eval"),
        (r"(?<![\w&/-])#(?:[0-9a-f]{6}|[0-9a-f]{3})\b(?![^<]*</code>)", "raw colour"),
        (r"\bdark:[a-z]", "dark: variant; tokens follow the theme"),
        (r"href\s*=\s*[\"']#?[\"']", "empty link"),
        (r"href\s*=\s*[\"']\s*javascript:", "javascript: link"),
        (r"target\s*=\s*[\"']_blank[\"'](?![^>]*\brel=)(?<!rel=\"noopener\" target=\"_blank\")", "blank target without rel"),
        (r"https?://(?!\{)[^\s\"'<]*\.(?:js|css|woff2?|png|svg)\b", "file of another host"),
    )
)
CLASSES = re.compile(r"""\bclass(?:=|="|=\\?["'])["']?((?:\{[{%].*?[%}]\}|[^"'>])*)""")
TEMPLATE_TAG = re.compile(r"\{[{%#].*?[%}#]\}")
PLACEHOLDER = re.compile(r"[\w-]*\{\w*\}[\w-]*")
TAG_CLASSES = re.compile(r"""\bcls="([^"]*)\"|\{% icon "[\w-]+"(?: \d+)? "([^"]*)\"""")


@dataclass(frozen=True)
class Finding:
    """Something that must not be there, with where it stands."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


def known_classes(css: str) -> frozenset[str]:
    """Every class that the built style sheet has a rule for."""
    found = re.findall(r"\.((?:\\.|[A-Za-z_-])(?:\\.|[A-Za-z0-9_-])*)", css)
    return frozenset(re.sub(r"\\(.)", r"\1", name) for name in found) | NO_LOOK


def examine(text: str, *, file: str, known: frozenset[str]) -> Iterator[Finding]:
    """All findings in one template or Python file."""
    for pattern, why in FORBIDDEN:
        for match in pattern.finditer(text):
            yield Finding(file, _line(text, match.start()), f"{why}: {match.group(0).strip()[:50]}")
    for position, name in _classes(text):
        if name not in known:
            yield Finding(file, _line(text, position), f"unknown class: {name}")


def _classes(text: str) -> Iterator[tuple[int, str]]:
    """Class names with their place; parts that are filled in later are left out."""
    for match in (*CLASSES.finditer(text), *TAG_CLASSES.finditer(text)):
        fixed = TEMPLATE_TAG.sub(" ", next(group for group in (*match.groups(), "") if group is not None))
        for name in PLACEHOLDER.sub(" ", fixed).split():
            if re.fullmatch(r"[A-Za-z0-9_\[\]().,:/%&*>+=~^-]+", name):
                yield match.start(), name


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def examine_files(root: Path, *, css: str) -> list[Finding]:
    """All findings in the templates and components under a folder."""
    known = known_classes(css)
    return [
        finding for path in _files(root) for finding in examine(path.read_text(), file=str(path.relative_to(root)), known=known)
    ]


def _files(root: Path) -> Iterable[Path]:
    return sorted(path for pattern in (*TEMPLATES, *MARKUP) for path in root.glob(pattern))


def main() -> int:
    """Exit code: 0 when there is nothing to say."""
    if not STYLE.exists():
        print(f"{STYLE} is not built yet: run manage.py css")
        return 1
    findings = examine_files(ROOT, css=STYLE.read_text())
    for finding in findings:
        print(finding)
    print(f"UI lint: {len(findings)} findings in {len(list(_files(ROOT)))} files")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
