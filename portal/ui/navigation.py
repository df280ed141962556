"""The navigation: pages that exist in this release and that the reader may open. Nothing else is drawn.

Each link names only its address: the view behind it says which permission it needs, so the two cannot disagree.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from django.contrib.auth.models import AnonymousUser
from django.urls import Resolver404, get_urlconf, resolve
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.access.may import all_that, roles_of
from portal.access.models import User
from portal.access.permissions import P
from portal.access.roles import Role
from portal.ui.components.leaf import icon


@dataclass(frozen=True)
class Page:
    """One link. ``key`` follows ``g`` on the keyboard; ``count`` is the address of the number beside it; ``but`` are roles
    that have no use for it."""

    path: str
    words: str
    icon: str
    section: str = ""
    key: str = ""
    count: str = ""
    but: frozenset[Role] = frozenset()


PAGES = (
    Page("/", "Inbox", "inbox", key="i", count="/inbox/count/", but=frozenset({Role.AUDITOR})),
    Page("/notices/", "Notices", "bell", key="o", count="/notices/unread/"),
    Page("/changes/", "Changes", "git-pull-request", key="c"),
    Page("/approvals/", "Approvals", "stamp", key="a"),
    Page("/meetings/", "Meetings", "calendar-days", key="m"),
    Page("/decisions/", "Decisions", "gavel"),
    Page("/emergencies/", "Emergencies", "siren", key="s"),
    Page("/deploys/", "Deploys", "rocket", "Systems", key="d"),
    Page("/rollbacks/", "Rollbacks", "undo-2", "Systems"),
    Page("/inventory/", "Inventory", "boxes", "Systems", key="v"),
    Page("/drift/", "Drift", "git-compare", "Systems"),
    Page("/integrations/", "Integrations", "plug", "Systems", key="n"),
    Page("/insights/", "Insights", "chart-column", "Compliance"),
    Page("/oversight/", "Oversight", "binoculars", "Compliance"),
    Page("/controls/", "Controls", "shield-check", "Compliance"),
    Page("/policy/", "Policy", "scroll-text", "Compliance", key="y"),
    Page("/training/", "Training", "graduation-cap", "Compliance"),
    Page("/access/", "Access", "key-round", "Compliance"),
    Page("/access-reviews/", "Access reviews", "list-checks", "Compliance"),
    Page("/completeness/", "Completeness", "scale", "Compliance"),
    Page("/exceptions/", "Exceptions", "triangle-alert", "Compliance", key="e"),
    Page("/ledger/", "Ledger", "book-lock", "Compliance", key="l"),
    Page("/audits/", "Audits", "clipboard-check", "Compliance", key="u"),
    Page("/people/", "People", "users", "Compliance", key="p"),
    Page("/exports/", "Exports", "download", "Foot", key="x"),
    Page("/gallery/", "Gallery", "blocks", "Foot"),
    Page("/help/", "Help", "life-buoy", "Foot", key="h"),
)
TABS = (("/",), ("/changes/", "/training/"), ("/meetings/", "/policy/"), ("/audits/", "/exceptions/"))
"""The phone's bar: of each place the first page that opens for the reader. What comes after them is under More."""
ACCOUNT = Page("/me/", "Your account", "user-round")


def pages_for(user: User | AnonymousUser, pages: Iterable[Page] = PAGES) -> tuple[Page, ...]:
    """The pages that exist and that this person may open, in the order of the table."""
    return _pages_for(tuple(pages), roles_of(user), all_that(user), get_urlconf())


@lru_cache(maxsize=256)
def _pages_for(pages: tuple[Page, ...], roles: frozenset[Role], permissions: frozenset[P], urlconf: str | None) -> tuple[Page, ...]:
    """Kept, because each page draws the navigation, and a company has few mixtures of roles."""
    return tuple(page for page in pages if _opens(page.path, permissions, urlconf) and not page.but & roles)


def exists_for(user: User | AnonymousUser, path: str) -> bool:
    """Whether a page stands at this address and opens for this person."""
    return _opens(path, all_that(user), get_urlconf())


def _opens(path: str, permissions: frozenset[P], urlconf: str | None) -> bool:
    found, permission = _page_at(path, urlconf)
    return found and (permission is None or permission in permissions)


@lru_cache(maxsize=256)
def _page_at(path: str, urlconf: str | None) -> tuple[bool, P | None]:
    """Whether the address resolves, and the permission that its view names (None for a public one)."""
    try:
        view = resolve(path, urlconf).func
    except Resolver404:
        return False, None
    permission = getattr(view, "permission", None)
    return permission is not None or hasattr(view, "public_reason"), permission


def side(user: User | AnonymousUser, path: str) -> SafeString:
    """The links of the side bar."""
    pages = pages_for(user)
    return _side(pages, _current(pages, path))


def tab_bar(user: User | AnonymousUser, path: str) -> SafeString:
    """The links of the phone's bar."""
    open_ones = {page.path: page for page in pages_for(user)}
    found = (next((open_ones[address] for address in places if address in open_ones), None) for places in TABS)
    pages = tuple(page for page in found if page is not None)
    return _tabs(pages, _current(pages, path))


def _current(pages: Iterable[Page], path: str) -> str:
    """The page under which an address stands: the longest of the links that begin it."""
    under = [page.path for page in pages if path == page.path or (page.path != "/" and path.startswith(page.path))]
    return max(under, key=len, default="")


@lru_cache(maxsize=512)
def _side(pages: tuple[Page, ...], current: str) -> SafeString:
    parts: list[SafeString] = []
    section = ""
    for page in pages:
        if page.section not in (section, "Foot"):
            parts.append(format_html('<p class="nav-sec">{}</p>', page.section))
        if page.section == "Foot" and section != "Foot":
            parts.append(SafeString('<div class="nav-foot"></div>'))
        section = page.section
        parts.append(_link(page, current))
    return SafeString("".join(parts))


def _link(page: Page, current: str) -> SafeString:
    return format_html(
        '<a class="nav-link" href="{}"{}{}>{}{}{}</a>',
        page.path,
        SafeString(' aria-current="page"' if page.path == current else ""),
        format_html(' data-go="{}"', page.key) if page.key else "",
        icon(page.icon, 16),
        page.words,
        _count(page),
    )


def _count(page: Page) -> SafeString:
    """A number that arrives after the page, so that no page waits for it."""
    if not page.count:
        return SafeString("")
    return format_html(
        '<span class="n" hx-get="{}" hx-trigger="load, live:inbox from:body" hx-swap="innerHTML" hx-sync="this:replace"></span>',
        page.count,
    )


@lru_cache(maxsize=512)
def _tabs(pages: tuple[Page, ...], current: str) -> SafeString:
    return SafeString(
        "".join(
            format_html(
                '<a href="{}"{}>{}{}</a>',
                page.path,
                SafeString(' aria-current="page"' if page.path == current else ""),
                icon(page.icon, 20),
                page.words,
            )
            for page in pages
        )
    )
