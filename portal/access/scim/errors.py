"""Errors as RFC 7644, 3.12 wants them: a status, a type where it names one, and words."""

from typing import Any

SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimError(Exception):
    """One error. ``kind`` is a scimType of RFC 7644, table 9, or empty."""

    def __init__(self, status: int, detail: str, kind: str = "") -> None:
        super().__init__(detail)
        self.status, self.detail, self.kind = status, detail, kind

    def body(self) -> dict[str, Any]:
        """The answer's JSON. The status is a text there."""
        kind = {"scimType": self.kind} if self.kind else {}
        return {"schemas": [SCHEMA], "status": str(self.status), **kind, "detail": self.detail}
