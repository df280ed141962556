"""What stand-ins that only answer have in common: a server of their own, one token that reads, acts by name."""

from collections.abc import Callable, Sequence
from typing import Any

from portal.standins.store import Store
from portal.standins.web import Answer, Request, Serving


class Served:
    """Mixed into a vendor's world, which brings ``store``. Use ``start``/``stop``, or ``answer`` inside another server."""

    store: Store
    url: str
    path: str
    """Below which the API answers."""
    acts: Sequence[str]
    """What ``perform`` does."""
    problem: Callable[[int, str], Exception]
    """The vendor's own error, from a status and words."""
    _serving: Serving | None = None

    @property
    def api_url(self) -> str:
        """Where the API answers: what a connector is pointed at."""
        return self.url + self.path

    def answer(self, request: Request) -> Answer:
        """Answers what lies below ``path``."""
        raise NotImplementedError  # each stand-in answers in its own way

    def start(self, *, port: int = 0) -> str:
        """Serves on a loopback port of its own (0: any free one). Returns the address."""
        self._serving = Serving(self.answer, port=port)
        self.url = self._serving.url
        self._serving.start()
        return self.url

    def stop(self) -> None:
        """Stops serving."""
        if self._serving:
            self._serving.stop()
        self.store.close()

    def perform(self, act: str, arguments: dict[str, Any]) -> Any:
        """Does one of ``acts`` by name, as the control door needs it. Raises 422 for an unknown act or wrong arguments."""
        if act not in self.acts:
            raise self.problem(422, f"There is no act {act!r}. There are: {', '.join(self.acts)}")
        try:
            return getattr(self, act)(**arguments)
        except TypeError as problem:
            raise self.problem(422, str(problem)) from problem

    def reader(self, make: Callable[[], str]) -> str:
        """The token that reads everything: made once, the same on every call."""
        row = self.store.one("token", subject="reader") or self.store.add("token", subject="reader", body={"token": make()})
        return str(row["token"])
