"""Demand 3: the address is judged on the socket at connect, whatever the name said before (threat T5)."""

import socket
from types import SimpleNamespace

import pycurl
import pytest

from changes.connectors import http
from changes.connectors.errors import AddressRefused
from changes.connectors.http import Client
from tests.changes.connectors.http import hostile

SAFE = "public.example.com"


@pytest.fixture
def resolver(monkeypatch):
    """Let the client's next look-ups of a name give these addresses, one a request: DNS that changes its mind."""
    answers: list[str] = []
    original = http._prepare

    def prepare(handle, *, url, transfer):
        original(handle, url=url, transfer=transfer)
        handle.setopt(pycurl.RESOLVE, [f"-{SAFE}:443", f"{SAFE}:443:{answers.pop(0)}"] if answers else [])

    monkeypatch.setattr(http, "_prepare", prepare)
    return answers


@pytest.fixture
def connects(monkeypatch):
    """Record the addresses that get a socket, and let none of them go anywhere."""
    opened: list[str] = []

    def no_socket(family, kind, protocol):
        opened.append("socket")
        return SimpleNamespace(fileno=lambda: -1)

    monkeypatch.setattr(http, "socket", SimpleNamespace(**{**vars(socket), "socket": no_socket}))
    return opened


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "[::1]",
        "[64:ff9b::7f00:1]",
        "[fdaa::1]",
        "[2002:7f00:1::]",
    ],
)
def test_a_public_name_that_resolves_inside_is_refused_before_a_socket_exists(address, resolver, connects) -> None:
    resolver.append(address)

    with pytest.raises(AddressRefused, match="GET /x was not sent: it resolves to"):
        Client(base_url=f"https://{SAFE}", deadline=2).request(path="/x")

    assert connects == []


def test_a_name_that_rebinds_between_two_requests_is_refused_the_second_time(resolver, monkeypatch) -> None:
    seen: list[str] = []
    judge = http.addresses.refusal

    def refusal(*, address: str, listed: bool) -> str:
        seen.append(address)
        return judge(address=address, listed=listed) or "(stopped by the test)"

    monkeypatch.setattr(http.addresses, "refusal", refusal)
    client = Client(base_url=f"https://{SAFE}", deadline=2)
    resolver += ["93.184.215.14", "127.0.0.1"]

    with pytest.raises(AddressRefused, match="stopped by the test"):
        client.request(path="/first")
    with pytest.raises(AddressRefused, match="a private address"):
        client.request(path="/second")

    assert seen == ["93.184.215.14", "127.0.0.1"]


def test_a_name_with_a_good_and_a_bad_address_uses_only_the_good_one(resolver, monkeypatch) -> None:
    with hostile.serving(hostile.answers()) as server:
        judge = http.addresses.refusal
        monkeypatch.setattr(
            http.addresses,
            "refusal",
            lambda *, address, listed: "no" if address == "127.0.0.2" else judge(address=address, listed=True),
        )
        original = http._prepare

        def prepare(handle, *, url, transfer):
            original(handle, url=url, transfer=transfer)
            handle.setopt(pycurl.RESOLVE, [f"two.example.com:{server.port}:127.0.0.2,127.0.0.1"])

        monkeypatch.setattr(http, "_prepare", prepare)
        answer = Client(base_url=f"http://two.example.com:{server.port}", private_hosts=["two.example.com"]).request(path="/")

    assert answer.status == 200


def test_localhost_is_refused_unless_it_is_listed() -> None:
    with hostile.serving(hostile.answers()) as server:
        with pytest.raises(AddressRefused):
            Client(base_url=f"https://localhost:{server.port}", deadline=2).request(path="/")
        listed = Client(base_url=f"http://localhost:{server.port}", private_hosts=[f"localhost:{server.port}"])
        assert listed.request(path="/").status == 200

    assert server.connections == 1


def test_the_setting_lists_the_hosts(settings) -> None:
    with hostile.serving(hostile.answers()) as server:
        settings.CONNECTOR_PRIVATE_HOSTS = [server.host]
        assert Client(base_url=server.url).request(path="/").status == 200


def test_a_kept_connection_of_a_listed_client_serves_no_other(resolver) -> None:
    with hostile.serving(hostile.answers(), keep_alive=True) as server:
        Client(base_url=f"http://localhost:{server.port}", private_hosts=["localhost"]).request(path="/")
        with pytest.raises(AddressRefused):
            Client(base_url=f"https://localhost:{server.port}", private_hosts=[], deadline=2).request(path="/")


def test_plain_http_to_a_host_that_is_not_listed_is_refused() -> None:
    with pytest.raises(AddressRefused, match="Plain http"):
        Client(base_url="http://api.github.com", private_hosts=[])


def test_a_proxy_in_the_environment_is_not_used(monkeypatch) -> None:
    with hostile.serving(hostile.answers()) as proxy, hostile.serving(hostile.answers()) as server:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        Client(base_url=server.url, private_hosts=["127.0.0.1"]).request(path="/")

    assert (proxy.connections, server.connections) == (0, 1)


@pytest.mark.parametrize(
    "path",
    [
        "http://127.0.0.1/x",
        "//evil.example/x",
        "@evil.example/",
        ".evil.example/",
        "/a\r\nX: y",
        "/a b",
        "/a#b",
        "/a\\b",
        ":99/x",
        "x",
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(AddressRefused, match="is not a path of"):
        Client(base_url="https://api.github.com").request(path=path)
