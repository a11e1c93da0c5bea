"""Answers for the person of a conformance run: what a CIBA client asked elsewhere is allowed, or not, on our pages.

The suite asks for it by POST (`automated_ciba_approval_url`). The provider knows nothing of this: it signs in and
presses the buttons that everybody has.
"""

import http.cookiejar
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

ACTIONS = ("allow", "deny")


class Person:
    """Somebody with a browser that keeps its session."""

    def __init__(self, issuer: str, username: str, password: str) -> None:
        self.issuer, self.username, self.password = issuer, username, password
        # The run's proxy has a certificate of its own making.
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(cookies, urllib.request.HTTPSHandler(context=tls))

    def decide(self, action: str) -> bool:
        """Allow or deny the newest request; False if none waits."""
        page = self._open(f"{self.issuer}/account/approvals")
        if form := page.form("password"):
            page = self._submit(page, form, identifier=self.username, password=self.password)
        form = page.form("decision")
        if form is None:
            return False
        if action == "deny":
            self._submit(page, form, decision="deny")
        else:
            page = self._submit(page, form, decision="review")
            self._submit(page, page.form("decision") or {}, decision="allow")
        return True

    def _open(self, url: str, body: bytes | None = None) -> "Page":
        with self._opener.open(url, body, timeout=10) as answer:
            return Page(answer.url, answer.read().decode())

    def _submit(self, page: "Page", form: dict[str, str], **values: str) -> "Page":
        fields = {name: value for name, value in form.items() if name}
        return self._open(urljoin(page.url, form.get("") or page.url), urlencode({**fields, **values}).encode())


class Page(HTMLParser):
    """The forms of a page: their fields by name, and under "" where they are sent."""

    def __init__(self, url: str, text: str) -> None:
        super().__init__()
        self.url = url
        self.forms: list[dict[str, str]] = []
        self.feed(text)

    def form(self, field: str) -> dict[str, str] | None:
        """The first form that has this field."""
        return next((form for form in self.forms if field in form), None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self.forms.append({"": found.get("action") or ""})
        elif tag in ("input", "button") and self.forms and (name := found.get("name")):
            self.forms[-1].setdefault(name, found.get("value") or "")


@contextmanager
def serving(person: Person, port: int = 0) -> Iterator[str]:
    """Where the suite may ask for a decision, on this machine alone."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            action = parse_qs(urlsplit(self.path).query).get("action", [""])[0]
            status = 400 if action not in ACTIONS else 200 if person.decide(action) else 404
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """The suite has a log of its own."""

    server = HTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
