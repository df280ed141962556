"""What GitHub's GraphQL API says when it does not answer, or only in part: smaller, later, by REST, or never.

https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api. Most refusals come with status 200 and
a list of ``errors``, some of them beside ``data`` that can be used.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from changes.connectors.errors import Invalid, NotFound, Passing, Permanent

Json = Mapping[str, Any]
LIMITED = frozenset({"RATE_LIMITED", "RATE_LIMIT"})
LARGE = frozenset({"MAX_NODE_LIMIT_EXCEEDED", "RESOURCE_LIMITS_EXCEEDED", "TIMEOUT", "EXCESSIVE_PAGINATION"})
LARGE_WORDS = ("something went wrong while executing your query", "timeout", "timedout", "couldn't respond to your request in time")
FORBIDDEN = frozenset({"FORBIDDEN", "INSUFFICIENT_SCOPES", "UNAUTHENTICATED"})
SHOWN = 200


class TooMuch(Passing):
    """The question was too large to be answered in time: a smaller one may be."""


class Unusable(Permanent):
    """GraphQL does not answer this to us, whatever the size: REST has to do."""


class Resting(Passing):
    """A limit of GitHub's GraphQL API; ``shared`` says that REST has to wait as well."""

    def __init__(self, reason: str, *, retry_after: float | None, shared: bool) -> None:
        super().__init__(reason, retry_after=retry_after)
        self.shared = shared


def data_of(body: Any) -> tuple[Json, list[Json]]:
    """(the repository as far as it was answered, errors that only spoil parts of it). Raises for every other error."""
    if not isinstance(body, Mapping):
        raise Unusable("GitHub's GraphQL API did not answer with an object")
    said = body.get("errors")
    errors = [one for one in said if isinstance(one, Mapping)] if isinstance(said, list) else []
    for error in errors:
        _raise(error)
    data = body.get("data")
    repository = data.get("repository") if isinstance(data, Mapping) else None
    if isinstance(repository, Mapping):
        return repository, errors
    raise _missing(errors)


def _raise(error: Json) -> None:
    """Raise for an error that spoils the whole answer."""
    kind, words = kind_of(error), message_of(error)
    if kind in LIMITED or "secondary rate limit" in words.lower():
        raise Resting(f"GitHub's GraphQL API asks us to wait: {words}", retry_after=None, shared=kind not in LIMITED)
    if kind in LARGE or any(part in words.lower() for part in LARGE_WORDS):
        raise TooMuch(f"GitHub's GraphQL API could not answer in time: {words}")
    if kind in FORBIDDEN or _needs_sign_on(error):
        raise Unusable(f"GitHub's GraphQL API refuses the token: {words}")


def _missing(errors: Sequence[Json]) -> Permanent:
    words = "; ".join(message_of(error) for error in errors) or "no data and no error"
    if any(kind_of(error) == "NOT_FOUND" for error in errors):
        return NotFound(f"GitHub's GraphQL API does not know the repository, or not for this token: {words}")
    return Unusable(f"GitHub's GraphQL API does not answer the question: {words}")


def kind_of(error: Json) -> str:
    """GitHub's word for an error: ``type``, or ``extensions.code``."""
    extensions = error.get("extensions")
    code = extensions.get("code") if isinstance(extensions, Mapping) else None
    return str(error.get("type") or code or "")


def message_of(error: Json) -> str:
    """Its words, printable and shortened."""
    return "".join(sign if sign.isprintable() else " " for sign in str(error.get("message") or "an error without words")[:SHOWN])


def _needs_sign_on(error: Json) -> bool:
    """The organisation wants the token to be authorised for its single sign-on."""
    extensions = error.get("extensions")
    return isinstance(extensions, Mapping) and extensions.get("saml_failure") is True


def spoiled(errors: Sequence[Json], *, below: str) -> dict[str, str]:
    """By the index or name behind ``below`` in an error's path: what could not be told there."""
    found: dict[str, str] = {}
    for error in errors:
        path = [str(part) for part in error.get("path") or ()]
        if below not in path[:-1]:
            raise Invalid(f"GitHub's GraphQL API answered in part only: {message_of(error)}")
        found.setdefault(path[path.index(below) + 1], message_of(error))
    return found
