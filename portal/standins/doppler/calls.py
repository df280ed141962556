"""A request to the Doppler stand-in, the table of what answers it, and pages."""

from dataclasses import dataclass, field
from typing import Any

from portal.standins.doppler.people import DopplerError
from portal.standins.doppler.world import DopplerWorld
from portal.standins.routes import Routes
from portal.standins.store import Row
from portal.standins.web import Answer, Request, json_answer


@dataclass
class Call:
    """A request with its path arguments."""

    world: DopplerWorld
    request: Request
    args: dict[str, str] = field(default_factory=dict)

    def needed(self, name: str) -> str:
        """A parameter. Raises 400 without it."""
        value = self.request.query.get(name)
        if not value:
            raise DopplerError(400, f"{name} is required")
        return value

    def config(self) -> Row:
        """The config that is asked about. Raises 404."""
        return self.world.config(self.needed("project"), self.needed("config"))

    @property
    def place(self) -> str:
        """``backend/prd``."""
        return f"{self.needed('project')}/{self.needed('config')}"


ROUTES: Routes[Call] = Routes()


def page(call: Call, name: str, items: list[Any], *, default: int = 20) -> Answer:
    """One page of a list, by ``page`` and ``per_page``."""
    number, size = int(call.request.query.get("page") or 1), int(call.request.query.get("per_page") or default)
    return json_answer({"page": number, name: items[(number - 1) * size : number * size], "success": True})
