"""Which addresses a connector may reach, and which base addresses are plain enough to be trusted (threat T5)."""

import pytest

from changes.connectors.addresses import BadAddress, Base, Reach, base_of, is_listed, reach, refusal

REACH = {
    # public
    "140.82.121.6": Reach.PUBLIC,
    "8.8.8.8": Reach.PUBLIC,
    "1.1.1.1": Reach.PUBLIC,
    "172.15.255.255": Reach.PUBLIC,
    "172.32.0.1": Reach.PUBLIC,
    "100.63.255.255": Reach.PUBLIC,
    "100.128.0.1": Reach.PUBLIC,
    "2606:50c0:8000::64": Reach.PUBLIC,
    "2a00:1450:4001:80e::200e": Reach.PUBLIC,
    # inside a company, or the machine itself
    "127.0.0.1": Reach.PRIVATE,
    "127.255.255.254": Reach.PRIVATE,
    "10.0.0.1": Reach.PRIVATE,
    "10.255.255.255": Reach.PRIVATE,
    "172.16.0.1": Reach.PRIVATE,
    "172.31.255.255": Reach.PRIVATE,
    "192.168.1.1": Reach.PRIVATE,
    "100.64.0.1": Reach.PRIVATE,
    "100.127.255.255": Reach.PRIVATE,
    "100.100.100.200": Reach.PRIVATE,
    "::1": Reach.PRIVATE,
    "fc00::1": Reach.PRIVATE,
    "fd00:ec2::254": Reach.PRIVATE,
    "fdaa:0:1::3": Reach.PRIVATE,
    # never
    "0.0.0.0": Reach.NEVER,
    "0.1.2.3": Reach.NEVER,
    "169.254.169.254": Reach.NEVER,
    "169.254.0.1": Reach.NEVER,
    "192.0.0.192": Reach.NEVER,
    "192.0.2.1": Reach.NEVER,
    "192.88.99.1": Reach.NEVER,
    "198.18.0.1": Reach.NEVER,
    "198.19.255.255": Reach.NEVER,
    "198.51.100.1": Reach.NEVER,
    "203.0.113.1": Reach.NEVER,
    "224.0.0.1": Reach.NEVER,
    "239.255.255.250": Reach.NEVER,
    "240.0.0.1": Reach.NEVER,
    "255.255.255.255": Reach.NEVER,
    "::": Reach.NEVER,
    "::ffff:127.0.0.1": Reach.NEVER,
    "::ffff:8.8.8.8": Reach.NEVER,
    "::127.0.0.1": Reach.NEVER,
    "64:ff9b::7f00:1": Reach.NEVER,
    "64:ff9b::808:808": Reach.NEVER,
    "64:ff9b:1::7f00:1": Reach.NEVER,
    "2002:7f00:1::": Reach.NEVER,
    "2002:a00:1::1": Reach.NEVER,
    "2001::1": Reach.NEVER,
    "2001:0:4136:e378:8000:63bf:3fff:fdd2": Reach.NEVER,
    "2001:db8::1": Reach.NEVER,
    "3fff::1": Reach.NEVER,
    "100::1": Reach.NEVER,
    "fe80::1": Reach.NEVER,
    "fe80::1%eth0": Reach.NEVER,
    "fec0::1": Reach.NEVER,
    "ff02::1": Reach.NEVER,
    "5f00::1": Reach.NEVER,
    # no address at all
    "": Reach.NEVER,
    "localhost": Reach.NEVER,
    "127.1": Reach.NEVER,
    "0x7f000001": Reach.NEVER,
    "2130706433": Reach.NEVER,
    "0177.0.0.1": Reach.NEVER,
    "/run/docker.sock": Reach.NEVER,
}


@pytest.mark.parametrize(("address", "expected"), REACH.items())
def test_an_address_reaches(address: str, expected: Reach) -> None:
    assert reach(address=address) == expected


@pytest.mark.parametrize(("address", "expected"), REACH.items())
def test_listing_a_host_opens_private_addresses_and_nothing_worse(address: str, expected: Reach) -> None:
    assert (refusal(address=address, listed=False) == "") is (expected is Reach.PUBLIC)
    assert (refusal(address=address, listed=True) == "") is (expected is not Reach.NEVER)


GOOD = {
    "https://api.github.com": Base("https", "api.github.com", 443, ""),
    "https://api.github.com/": Base("https", "api.github.com", 443, ""),
    "https://forge.example.com:8443/api/v3": Base("https", "forge.example.com", 8443, "/api/v3"),
    "http://127.0.0.1:8080": Base("http", "127.0.0.1", 8080, ""),
    "http://localhost": Base("http", "localhost", 80, ""),
    "https://[2606:50c0:8000::64]:444/x": Base("https", "2606:50c0:8000::64", 444, "/x"),
}


@pytest.mark.parametrize(("url", "expected"), GOOD.items())
def test_a_plain_base_address_is_taken_apart(url: str, expected: Base) -> None:
    assert base_of(url=url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.github.com",
        "//api.github.com",
        "ftp://api.github.com",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "javascript:alert(1)",
        "https://",
        "https:///x",
        "https:api.github.com",
        "https://user@api.github.com",
        "https://user:password@api.github.com",
        "https://api.github.com@127.0.0.1",
        "https://127.0.0.1\\@api.github.com",
        "https://127.0.0.1\\.api.github.com",
        "https://api.github.com#@127.0.0.1",
        "https://api.github.com?@127.0.0.1",
        "https://api.github.com/?token=x",
        "https://api.github.com/%2e%2e/x",
        "https://api.github.com//x",
        "https://%31%32%37.0.0.1",
        "https://127。0。0。1",
        "https://①②⑦.0.0.1",
        "https://ⓖithub.com",
        "https://127.1",
        "https://127.0.1",
        "https://0",
        "https://2130706433",
        "https://0x7f000001",
        "https://0x7f.0x0.0x0.0x1",
        "https://0177.0.0.1",
        "https://127.0.0.0x1",
        "https://localhost.",
        "https://api.github.com:0",
        "https://api.github.com:65536",
        "https://api.github.com:443:80",
        "https://api.github.com:",
        "https://[::1",
        "https://[::1%25eth0]",
        "https://[zz::1]",
        "https://[1]",
        "https://api.github.com\n.evil.example",
        "https://api.github.com\r\nHost: evil.example",
        "https://api.github.com\x00.evil.example",
        "https://api.github.com ",
        " https://api.github.com",
        "https://API.github.com",
        "https://-.github.com-",
    ],
)
def test_a_base_address_with_a_trick_in_it_is_refused(url: str) -> None:
    with pytest.raises(BadAddress):
        base_of(url=url)


@pytest.mark.parametrize(
    ("entry", "host", "port", "listed"),
    [
        ("forge.corp", "forge.corp", 443, True),
        (" Forge.Corp ", "forge.corp", 8443, True),
        ("forge.corp:8443", "forge.corp", 8443, True),
        ("forge.corp:8443", "forge.corp", 443, False),
        ("forge.corp", "evil.forge.corp", 443, False),
        ("forge.corp", "forge.corp.evil.example", 443, False),
        ("127.0.0.1", "127.0.0.1", 1, True),
        ("::1", "::1", 80, True),
        ("[::1]:80", "::1", 80, True),
        ("[::1]:80", "::1", 81, False),
        ("", "forge.corp", 443, False),
        ("*", "forge.corp", 443, False),
    ],
)
def test_a_host_is_listed_by_its_whole_name(entry: str, host: str, port: int, listed: bool) -> None:
    assert is_listed(host=host, port=port, private_hosts=["other.corp", entry]) is listed


def test_the_origin_shows_a_port_only_when_it_is_unusual() -> None:
    assert base_of(url="https://api.github.com:443/x").origin == "https://api.github.com"
    assert base_of(url="http://[::1]:81/x").origin == "http://[::1]:81"
