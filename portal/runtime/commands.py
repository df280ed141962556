"""The arguments that start each program of ours: the same under ``./bin/up``, in a container and on machines of one's own."""

from collections.abc import Mapping, Sequence

# Connections that uvicorn takes at once: 300 live streams and plenty of pages.
WEB_CONNECTIONS = 1000
WEB_POOL = 12
# A pool process is replaced after so many tasks, some minutes of idling: what one big task left behind goes back.
TASKS_PER_CHILD = 60
SCHEDULER = ["-m", "portal.runtime.scheduler"]
# glibc: threads share two arenas instead of keeping freed memory each, and free memory goes back early (mallopt(3)).
GIVE_BACK = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"}


def web(*, host: str, port: int, env: Mapping[str, str]) -> list[str]:
    """Pages, webhooks and API: one process a machine."""
    limits = ["--limit-concurrency", str(WEB_CONNECTIONS), "--timeout-keep-alive", "20", "--timeout-graceful-shutdown", "2"]
    # Addresses of callers are believed from a proxy only when somebody says that there is one.
    proxy = "--proxy-headers" if int(env.get("COUNTERSIGN_PROXIES", "0")) else "--no-proxy-headers"
    # Django knows no lifespan: asked for it, it raises, which is an error at Sentry for each start.
    quiet = ["--no-access-log", "--no-server-header", "--log-level", "warning", "--lifespan", "off", proxy]
    return ["-m", "uvicorn", "portal.asgi:application", "--host", host, "--port", str(port), *limits, *quiet]


def worker(*, queues: Sequence[str], processes: int) -> list[str]:
    """Celery for these queues, with so many pool processes."""
    lean = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    pool = ["--pool", "prefork", "--concurrency", str(processes), "--max-tasks-per-child", str(TASKS_PER_CHILD)]
    return ["-m", "celery", "-A", "portal", "worker", "--queues", ",".join(queues), *pool, *lean, "--loglevel", "WARNING"]


def surroundings(*, name: str, env: Mapping[str, str]) -> dict[str, str]:
    """What the program of this name finds in its environment beside what everybody has."""
    own = {"web": {"COUNTERSIGN_POOL": str(WEB_POOL)}}
    # Django's checks load every page, 15 MB that a worker does not need; ./bin/test runs them.
    celery = {"CELERY_SKIP_CHECKS": "1"} if name in {"worker", "sealer"} else {}
    return {**GIVE_BACK, **env, "COUNTERSIGN_PROCESS": name, "PYTHONUNBUFFERED": "1", **own.get(name, {}), **celery}
