"""Who acts in tests, over HTTP: a world of companies and people, a person's browser, a client."""

import base64
import functools
import hashlib
import json
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urlsplit

from idp import passwords
from idp.accounts.models import User
from idp.clients import secrets
from idp.clients.models import Client as ClientRow
from idp.clients.models import Resource
from idp.companies.models import Company, Member
from idp.db import db

PASSWORD = "correct horse battery staple"
PUBLIC_URL = "https://id.example.com"
OPENID = ["openid", "profile", "email", "address", "phone", "offline_access", "companies"]


@functools.cache
def password_hash():
    return passwords.make(passwords.normal(PASSWORD), passwords.cost())


class World:
    """Companies, people, clients and resource servers, put into the database directly."""

    def __init__(self, app):
        self.app = app

    def _add(self, row):
        with self.app.app_context(), db.transaction():
            db.session.add(row)
            db.session.flush()
            db.session.expunge(row)
        return row

    def company(self, slug, name=None, **policy):
        return self._add(Company(slug=slug, name=name or slug.replace("-", " ").title(), policy=policy))

    def user(self, username, companies=(), **fields):
        """A person; `companies` maps a company (row) to roles, or lists companies for the role member."""
        with self.app.app_context():
            hashed = password_hash()
        claims = fields.pop("claims", {"name": username.title()})
        user = self._add(
            User(
                sub=fields.pop("sub", f"sub-{username}"),
                username=username,
                email=f"{username}@example.com",
                email_verified_at=self.app.extensions["idp"].now(),
                claims=claims,
                password=hashed,
                **fields,
            )
        )
        roles = companies if isinstance(companies, dict) else {company: ["member"] for company in companies}
        for company, held in roles.items():
            self.join(user, company, *held)
        return user

    def join(self, user, company, *roles):
        self._add(Member(company_id=company.id, user_id=user.id, roles=list(roles) or ["member"]))

    def resource(self, uri, *client_ids, scopes=(), **fields):
        words = {scope: f"Words for {scope}" for scope in scopes}
        return self._add(Resource(uri=uri, name=uri, scopes=words, clients=list(client_ids), **fields))

    def client(self, client_id, **fields):
        return self._add(ClientRow(client_id=client_id, client_name=fields.pop("client_name", client_id), **fields))

    def execute(self, statement, **values):
        """Change or read something behind the application's back."""
        with self.app.app_context(), db.hot() as cursor:
            found = cursor.execute(statement, values)
            return found.fetchall() if found.description else []

    def forget_cache(self):
        """As if ten seconds had gone: this process reads its clients again."""
        self.app.extensions.pop("idp.clients", None)

    def events(self):
        return [kind for (kind,) in self.execute("SELECT kind FROM security_event ORDER BY at, id")]

    def count(self, table):
        return self.execute(f"SELECT count(*) FROM {table}")[0][0]


class Client:
    """An OAuth client that talks to the provider's endpoints."""

    def __init__(self, app, client_id, secret=None, method="client_secret_basic", redirect_uri=""):
        self.app, self.client_id, self.secret, self.method = app, client_id, secret, method
        self.redirect_uri = redirect_uri
        self.verifier = "v" * 43
        self.http = app.test_client(use_cookies=False)

    @classmethod
    def registered(cls, world, client_id, *, public=False, **fields):
        """Register and return it; a secret is made for a confidential one."""
        secret, hashed = (None, None) if public else secrets.make()
        method = fields.pop("token_endpoint_auth_method", "none" if public else "client_secret_basic")
        redirect_uri = f"https://{client_id}.example/callback"
        defaults = {
            "redirect_uris": [redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "scopes": OPENID,
            "consent": "implied",
        }
        world.client(
            client_id,
            token_endpoint_auth_method=method,
            secret_hashes=[hashed] if hashed else [],
            **{**defaults, **fields},
        )
        return cls(world.app, client_id, secret, method, next(iter(fields.get("redirect_uris", [redirect_uri])), ""))

    @property
    def challenge(self):
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()

    def parameters(self, **changes):
        """A good authorization request; None removes a parameter."""
        found = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid",
            "state": "st4te",
            "nonce": "n0nce",
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in found.items() if value is not None}

    def post(self, path, form, **changes):
        """POST as this client; `auth=None` leaves the authentication out."""
        form = dict(form)
        headers = dict(changes.pop("headers", {}))
        if changes.pop("auth", True):
            if self.method == "client_secret_basic":
                pair = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
                headers["Authorization"] = f"Basic {pair}"
            else:
                form["client_id"] = self.client_id
                if self.secret:
                    form["client_secret"] = self.secret
        form = {name: value for name, value in form.items() if value is not None}
        body = urlencode(form, doseq=True)
        return self.http.post(
            path, data=body, content_type="application/x-www-form-urlencoded", headers=headers, base_url=PUBLIC_URL
        )

    def push(self, **changes):
        """Send the authorization request from server to server (RFC 9126)."""
        return self.post("/oauth2/par", self.parameters(**changes))

    def token(self, **form):
        return self.post("/oauth2/token", form)

    def redeem(self, code, **changes):
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            **changes,
        }
        return self.token(**form)

    def refresh(self, token, **changes):
        return self.token(grant_type="refresh_token", refresh_token=token, **changes)

    def introspect(self, token):
        return self.post("/oauth2/introspect", {"token": token})

    def revoke(self, token, **changes):
        return self.post("/oauth2/revoke", {"token": token, **changes})

    def userinfo(self, token, **changes):
        headers = {"Authorization": f"Bearer {token}"}
        return self.http.get("/oauth2/userinfo", headers=headers, base_url=PUBLIC_URL, **changes)

    def tokens(self, browser, **parameters):
        """A whole code flow in a browser; the token response's JSON."""
        answer = browser.authorize(self, **parameters)
        response = self.redeem(answer["code"])
        assert 200 == response.status_code, response.text
        return response.json


class Browser:
    """A person's browser: keeps cookies, fills forms, stops when it is sent to somebody else's address."""

    def __init__(self, app):
        self.app = app
        self.http = app.test_client()
        self.page = None

    def get(self, path, **query):
        url = f"{path}?{urlencode(query, doseq=True)}" if query else path
        self.page = self.http.get(url, base_url=PUBLIC_URL)
        return self.page

    def open(self, client, **changes):
        """The authorization request of a client, without following anything."""
        return self.get("/oauth2/authorize", **client.parameters(**changes))

    def follow(self):
        """Follow redirects within the provider; the response that is a page, or leads elsewhere."""
        while self.page.status_code in (302, 303):
            target = urlsplit(self.page.headers["Location"])
            if target.netloc and f"{target.scheme}://{target.netloc}" != PUBLIC_URL:
                return self.page
            self.get(f"{target.path}?{target.query}" if target.query else target.path)
        return self.page

    def submit(self, button=None, index=None, **values):
        """Fill and post the page's form: the one that has the fields, or number `index`."""
        forms = [form for form in Forms.of(self.page.text) if form["method"] == "post"]
        wanted = {*values, *([button[0]] if button else [])}
        form = forms[index] if index is not None else next(found for found in forms if wanted <= found["names"])
        data = {**form["fields"], **values, **(dict([button]) if button else {})}
        action = form["action"] or self.page.request.path
        self.page = self.http.post(action, data=data, base_url=PUBLIC_URL, headers={"Origin": PUBLIC_URL})
        return self.page

    def sign_in(self, username, password=PASSWORD):
        """On the login page."""
        self.submit(identifier=username, password=password)
        return self.follow()

    def authorize(self, client, *, user=None, company=None, allow=True, choose=None, **parameters):
        """From the authorization request to the client's address; what came back, as a dict.

        `user` signs in when asked, `choose` is picked in the chooser, consent is given when asked.
        """
        if company is not None:
            parameters["company"] = company
        self.open(client, **parameters)
        return self.complete(user=user, allow=allow, choose=choose)

    def open_pushed(self, client, request_uri, **beside):
        """The authorization request that the client pushed before."""
        return self.get("/oauth2/authorize", client_id=client.client_id, request_uri=request_uri, **beside)

    def authorize_pushed(self, client, *, user=None, allow=True, **parameters):
        """As `authorize`, with a request that the client pushes."""
        pushed = client.push(**parameters)
        assert 201 == pushed.status_code, pushed.text
        self.open_pushed(client, pushed.json["request_uri"])
        return self.complete(user=user, allow=allow)

    def complete(self, *, user=None, allow=True, choose=None):
        """From wherever the browser is to the client's address; what came back, as a dict."""
        for _step in range(6):
            page = self.follow()
            if page.status_code in (302, 303):
                return answer_of(page)
            assert 200 == page.status_code, page.text
            names = {name for form in Forms.of(page.text) for name in form["names"]}
            if "password" in names:
                values = {"password": PASSWORD} | ({"identifier": user} if "identifier" in names else {})
                self.submit(**values)
            elif "company" in names:
                self.submit(button=("company", str(choose)))
            else:
                self.submit(button=("decision", "allow" if allow else "deny"))
        raise AssertionError("the interaction does not end")


def answer_of(response):
    """The query of the client's address that a response redirects to."""
    query = urlsplit(response.headers["Location"]).query
    return {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}


def fragment_of(response):
    """The fragment of the client's address that a response redirects to; no part of the answer is in its query."""
    assert 303 == response.status_code, response.text
    location = urlsplit(response.headers["Location"])
    assert not {"error", "code", "access_token", "id_token"} & parse_qs(location.query).keys()
    return {name: values[0] for name, values in parse_qs(location.fragment, keep_blank_values=True).items()}


class Forms(HTMLParser):
    """The forms of a page: action, method, hidden fields, names."""

    def __init__(self):
        super().__init__()
        self.forms = []

    @classmethod
    def of(cls, text):
        parser = cls()
        parser.feed(text)
        return parser.forms

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag == "form":
            method = (found.get("method") or "get").lower()
            self.forms.append({"action": found.get("action"), "method": method, "fields": {}, "names": set()})
        elif tag in ("input", "button", "select", "textarea") and self.forms and found.get("name"):
            form = self.forms[-1]
            form["names"].add(found["name"])
            if found.get("type") == "hidden":
                form["fields"][found["name"]] = found.get("value") or ""


def unverified(token):
    """The claims of a JWT, unverified."""
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def header(token):
    part = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
