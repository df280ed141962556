"""Git over HTTP: hands a request to ``git http-backend`` (CGI) and streams what it answers."""

import subprocess
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from portal.standins.git import clean_environment
from portal.standins.web import Answer, Request

PASSED_ON = {"Content-Encoding": "HTTP_CONTENT_ENCODING", "Git-Protocol": "HTTP_GIT_PROTOCOL", "User-Agent": "HTTP_USER_AGENT"}


def is_push(request: Request) -> bool:
    """Whether the request writes: the announcement of a push or the push itself."""
    return request.path.endswith("/git-receive-pack") or request.query.get("service") == "git-receive-pack"


def serve(request: Request, *, root: Path, path: str, user: str, env: Mapping[str, str] | None = None) -> Answer:
    """Answers a Git request for ``path`` below ``root`` on behalf of ``user``. Waits for pushes to end, streams the rest."""
    request.stream.seek(0)
    process = subprocess.Popen(
        ["git", "http-backend"],
        stdin=_as_file(request),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_cgi(request, root=root, path=path, user=user) | dict(env or {}),
    )
    output = process.stdout
    if output is None:
        raise RuntimeError("git http-backend has no output")
    status, headers = _read_headers(output)
    if is_push(request):
        with process:
            body = output.read()
        return Answer(status, body, headers)
    return Answer(status, headers=headers, stream=_pieces(process, output))


def _as_file(request: Request) -> IO[bytes]:
    """The body as a real file, which a process can read."""
    rollover = getattr(request.stream, "rollover", None)
    if rollover:
        rollover()
    request.stream.seek(0)
    return request.stream


def _cgi(request: Request, *, root: Path, path: str, user: str) -> dict[str, str]:
    named = {variable: request.headers[name] for name, variable in PASSED_ON.items() if name in request.headers}
    return {
        **clean_environment(),
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": path,
        "QUERY_STRING": urlsplit(request.target).query,
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "REMOTE_USER": user,
        "REMOTE_ADDR": "127.0.0.1",
        **named,
    }


def _read_headers(output: IO[bytes]) -> tuple[int, dict[str, str]]:
    status, headers = 200, {}
    while line := output.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers[name] = value.strip()
    return status, headers


def _pieces(process: subprocess.Popen[bytes], output: IO[bytes]) -> Generator[bytes, None, None]:
    with process:
        while piece := output.read(65536):
            yield piece
