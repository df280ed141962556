"""What GitHub answers when it does not do what was asked."""

from typing import Any

from portal.standins.web import Answer, json_answer

DOCUMENTATION = "https://docs.github.com/rest"


class GitHubError(Exception):
    """A refusal in GitHub's form: a status, a message, and for 422 the fields that are wrong."""

    def __init__(self, status: int, message: str, errors: list[dict[str, Any]] | None = None) -> None:
        self.status = status
        self.message = message
        self.errors = errors
        super().__init__(message)

    def answer(self) -> Answer:
        """The refusal as an answer."""
        body: dict[str, Any] = {"message": self.message}
        if self.errors is not None:
            body["errors"] = self.errors
        return json_answer({**body, "documentation_url": DOCUMENTATION, "status": str(self.status)}, status=self.status)


def not_found() -> GitHubError:
    """404, also for what the caller may not see."""
    return GitHubError(404, "Not Found")


def invalid(resource: str, field: str, code: str = "invalid", message: str = "") -> GitHubError:
    """422 with the field that is wrong."""
    detail = {"resource": resource, "field": field, "code": code}
    return GitHubError(422, "Validation Failed", [detail | ({"message": message} if message else {})])
