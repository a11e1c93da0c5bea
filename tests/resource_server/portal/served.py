"""The portal and its IdP on real sockets, for a real browser."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import parse_qs, urlencode

from dataset_world import AUDIENCE, ISSUER
from flask import Flask, redirect, request
from playwright.sync_api import Browser, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.resource_server.portal.portal_world import PortalWorld


class _Quiet(WSGIRequestHandler):
    def log(self, *_arguments: object) -> None:
        pass


def idp_pages(world: PortalWorld, sub: str, company: str | None) -> Flask:
    """The IdP as a browser sees it: one button signs `sub` in; signing out needs none."""
    app = Flask("idp")

    @app.get("/oauth2/authorize")
    def authorize() -> str:
        form = f'<form method="post" action="?{request.query_string.decode()}"><button>Sign in</button></form>'
        return f"<title>Sign in</title>{form}"

    @app.post("/oauth2/authorize")
    def signed_in() -> object:
        answer = world.idp.authorize(f"{ISSUER}/oauth2/authorize?{request.query_string.decode()}", sub, company)
        return redirect(f"{AUDIENCE}/portal/callback?{urlencode(answer)}", 303)

    @app.get("/oauth2/logout")
    def logout() -> object:
        world.idp.grants.clear()
        asked = parse_qs(request.query_string.decode())
        return redirect(f"{asked['post_logout_redirect_uri'][0]}?{urlencode({'state': asked['state'][0]})}", 303)

    return app


@contextmanager
def served(world: PortalWorld, sub: str, company: str | None) -> Iterator[Browser]:
    """A Chromium for which the portal and the IdP are where their URLs say."""
    rules = []
    with ExitStack() as stack:
        for url, app in ((AUDIENCE, world.app), (ISSUER, idp_pages(world, sub, company))):
            server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            rules.append(f"MAP {url.removeprefix('http://')} 127.0.0.1:{server.port}")
        playwright = stack.enter_context(sync_playwright())
        chromium = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", f"--host-resolver-rules={','.join(rules)}"],
        )
        stack.callback(chromium.close)
        yield chromium
