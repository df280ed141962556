"""A vendor's limit of requests in a window, enforced."""

import threading
import time
from collections import deque


class Window:
    """At most ``limit`` requests within ``seconds``. Kept in memory."""

    def __init__(self, *, limit: int, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self._times: deque[float] = deque()
        self._lock = threading.Lock()

    def take(self) -> tuple[int, int]:
        """(left after this request, seconds until the window is empty again); left is -1 for one too many."""
        now = time.monotonic()
        with self._lock:
            while self._times and self._times[0] <= now - self.seconds:
                self._times.popleft()
            if len(self._times) >= self.limit:
                return -1, max(1, round(self._times[0] + self.seconds - now))
            self._times.append(now)
            return self.limit - len(self._times), max(1, round(self._times[0] + self.seconds - now))
