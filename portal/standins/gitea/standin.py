"""The Gitea stand-in as one object."""

from portal.standins.forge import Forge
from portal.standins.gitea import api
from portal.standins.gitea.hooks import GiteaHooks
from portal.standins.github.tokens import Caller
from portal.standins.store import Row
from portal.standins.web import Answer, Request, json_answer

PATH = "/gitea"


class GiteaStandIn(Forge):
    """One Gitea in a folder. It has no limit of its own and sends no ETag, as there; a proxy's limits are a fault to switch on."""

    vendor = "gitea"
    api_path, git_path = f"{PATH}/api/v1", PATH

    def webhooks(self) -> GiteaHooks:
        """Signed like GitHub's, with both names of the header."""
        return GiteaHooks(self)

    def called(self, caller: Caller, request: Request, path: str) -> Answer:
        """One call of ``/api/v1``."""
        return api.answer(self, caller, request)

    def says(self, message: str) -> Row:
        """``message`` and where to read on."""
        return {"message": message, "url": f"{self.url}{PATH}/api/swagger"}

    def refusal(self, status: int, message: str) -> Answer:
        """A 404 says what was looked for in the older words of its own."""
        words = "The target couldn't be found." if status == 404 else message
        return json_answer(self.says(words), status=status)
