"""The guarded fetcher: what a URL that a client named can never do (promise P16)."""

import socket
import time
from ipaddress import ip_address

import elsewhere as servers
import pytest

from idp import fetch
from idp.fetch import Fetcher, Unreachable, public


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    with servers.running(tmp_path_factory.mktemp("elsewhere")) as running:
        yield running


@pytest.fixture
def fetcher(elsewhere):
    """One that may reach the server elsewhere."""
    elsewhere.asked.clear()
    return Fetcher(allow=["localhost"], ca_file=elsewhere.certificate)


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001:80e::200e"])
def test_everybody_can_reach_it(address):
    assert public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254", "172.16.0.1", "192.0.2.1",
        "192.168.1.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:93.184.216.34", "64:ff9b::7f00:1", "64:ff9b:1::a00:1",
        "2002:7f00:1::", "2001::1", "2001:db8::1", "fc00::1", "fd12::1", "fe80::1", "fec0::1", "ff02::1",
    ],
)  # fmt: skip
def test_only_some_can_reach_it(address):
    """Private, loopback, link-local, shared, reserved, multicast, and every way to write IPv4 inside IPv6."""
    assert not public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/", "ftp://localhost/", "file:///etc/passwd", "gopher://localhost/", "localhost", "",
        "https://", "https:///x", "https://user@localhost/", "https://user:pw@localhost/", "https://localhost:99999/",
        "https://localhost:x/", "https://[::1/", "https://a b/", "//localhost/x", "https://localhost/\r\nX: y",
        "https://" + "a" * 300 + ".example/", "https://ex\u00e4mple.invalid\u2024/",
    ],
)  # fmt: skip
def test_only_https_urls_of_hosts(elsewhere, fetcher, url):
    with pytest.raises(Unreachable):
        fetcher.get(url)

    assert [] == elsewhere.asked


def test_it_asks_and_brings_the_body(elsewhere, fetcher):
    """With the name in Host and SNI, without anything that tells who asks."""
    elsewhere.answers["/jwks?a=1"] = (200, {"Content-Type": "application/json; charset=utf-8"}, b"{}")

    answer = fetcher.request("GET", elsewhere.url("/jwks?a=1"))

    assert (200, "application/json", b"{}") == (answer.status, answer.content_type, answer.body)
    method, _path, headers, _body = elsewhere.asked[0]
    assert ("GET", f"localhost:{elsewhere.port}", "localhost") == (method, headers["Host"], elsewhere.names[-1])
    assert {"Host", "User-Agent", "Connection", "Accept-Encoding"} == set(headers)


def test_it_posts(elsewhere, fetcher):
    elsewhere.answers["/logout"] = (204, {}, b"")

    assert 204 == fetcher.post(elsewhere.url("/logout"), b"logout_token=x", "application/x-www-form-urlencoded")
    assert ("POST", b"logout_token=x") == (elsewhere.asked[0][0], elsewhere.asked[0][3])


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "0.0.0.0", "0x7f.1", "2130706433", "127.1"])
def test_this_machine_is_out_of_reach(elsewhere, host):
    """However it is written, unless the settings allow it."""
    strict = Fetcher(ca_file=elsewhere.certificate)
    elsewhere.asked.clear()

    with pytest.raises(Unreachable):
        strict.get(elsewhere.url("/jwks", host))
    assert [] == elsewhere.asked


def test_the_name_is_resolved_once_and_the_connection_pinned(elsewhere):
    """A name that points elsewhere a moment later (rebinding) changes nothing; SNI, Host, certificate are its."""
    asked = []

    def resolve(host, _port):
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    elsewhere.asked.clear()
    elsewhere.answers["/jwks"] = b"{}"
    pinned = Fetcher(allow=["127.0.0.0/8"], ca_file=elsewhere.certificate, resolve=resolve)

    assert b"{}" == pinned.get(elsewhere.url("/jwks", "keys.example"))
    assert (["keys.example"], "keys.example") == (asked, elsewhere.names[-1])
    assert f"keys.example:{elsewhere.port}" == elsewhere.asked[0][2]["Host"]


@pytest.mark.parametrize("found", [[], ["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["93.184.216.34", "::1"]])
def test_one_forbidden_address_among_others_is_enough(elsewhere, found):
    strict = Fetcher(ca_file=elsewhere.certificate, resolve=lambda *_: found)

    with pytest.raises(Unreachable, match="not public"):
        strict.get(elsewhere.url("/jwks", "keys.example"))


def test_another_name_in_the_certificate_is_refused(elsewhere):
    other = Fetcher(allow=["127.0.0.1"], ca_file=elsewhere.certificate, resolve=lambda *_: ["127.0.0.1"])

    with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        other.get(elsewhere.url("/jwks", "other.example"))


def test_an_authority_that_nobody_trusts_is_refused(elsewhere):
    with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        Fetcher(allow=["localhost"]).get(elsewhere.url("/jwks"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(elsewhere, fetcher, status):
    elsewhere.answers["/there"] = (status, {"Location": elsewhere.url("/secret")}, b"")

    with pytest.raises(Unreachable, match=str(status)):
        fetcher.get(elsewhere.url("/there"))
    assert ["/there"] == [path for _, path, _, _ in elsewhere.asked]


def test_sixty_four_kilobytes_and_no_more(elsewhere, fetcher):
    """Whatever the length that is announced."""
    elsewhere.answers["/most"] = b"x" * fetch.MAX_BODY
    elsewhere.answers["/more"] = b"x" * (fetch.MAX_BODY + 1)

    assert fetch.MAX_BODY == len(fetcher.get(elsewhere.url("/most")))
    with pytest.raises(Unreachable, match="larger"):
        fetcher.get(elsewhere.url("/more"))


def test_dripping_bytes_end_with_the_time(elsewhere, fetcher, monkeypatch):
    """Every byte comes in time, the whole does not."""
    monkeypatch.setattr(fetch, "TIMEOUT", 0.5)
    elsewhere.answers["/drip"] = servers.dripping
    began = time.monotonic()

    with pytest.raises(Unreachable, match=r"too long|timed out"):
        fetcher.get(elsewhere.url("/drip"))
    assert time.monotonic() - began < 2


def test_a_server_that_says_nothing_ends_with_the_time(elsewhere, monkeypatch):
    """Neither a connection without a handshake nor a resolver without an answer holds us."""
    monkeypatch.setattr(fetch, "TIMEOUT", 0.3)
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        allowed = Fetcher(allow=["localhost"], resolve=lambda *_: ["127.0.0.1"])
        with pytest.raises(Unreachable):
            allowed.get(f"https://localhost:{silent.getsockname()[1]}/")
    with pytest.raises(Unreachable, match="not resolved"):
        Fetcher(resolve=lambda *_: time.sleep(0.6) or []).get("https://keys.example/")
    assert time.monotonic() - began < 2


def test_what_is_not_http_is_no_answer(elsewhere, fetcher):
    elsewhere.answers["/noise"] = lambda handler: handler.wfile.write(b"SSH-2.0-x\r\n\r\n") and None

    with pytest.raises(Unreachable):
        fetcher.get(elsewhere.url("/noise"))


def test_no_more_than_some_at_once(elsewhere, fetcher, monkeypatch):
    """Slow strangers leave threads for everybody else."""
    monkeypatch.setattr(fetch, "TIMEOUT", 0.2)
    for _ in range(fetch.AT_ONCE):
        fetcher._slots.acquire()

    with pytest.raises(Unreachable, match="at once"):
        fetcher.get(elsewhere.url("/jwks"))


def test_in_development_loopback_may_be_plain(elsewhere):
    """And nothing else may."""
    found = Fetcher(development=True, ca_file=elsewhere.certificate)
    elsewhere.answers["/jwks"] = b"{}"

    assert b"{}" == found.get(elsewhere.url("/jwks"))
    with pytest.raises(Unreachable, match="no connection"):
        found.get("http://localhost:1/")
    with pytest.raises(Unreachable, match="not an https"):
        found.get("http://keys.example/")


def test_no_proxy_is_asked(elsewhere, fetcher, monkeypatch):
    """Variables for other programs do not move our requests."""
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    elsewhere.answers["/jwks"] = b"{}"

    assert b"{}" == fetcher.get(elsewhere.url("/jwks"))
