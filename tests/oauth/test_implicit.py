"""Tokens straight from the authorization endpoint: OpenID Connect Core §3.2; off by default."""

import base64
import hashlib
from urllib.parse import parse_qsl, urlencode, urlsplit

import psycopg
import pytest
from actors import PUBLIC_URL, Browser, Client, Forms, fragment_of, header, unverified

from idp.clients import metadata
from idp.declared.clients import supported

TYPES = ["id_token", "id_token token"]


def half_of_sha256(value):
    """Core §3.2.2.9: base64url of the left half of the hash of the ASCII octets."""
    return base64.urlsafe_b64encode(hashlib.sha256(value.encode()).digest()[:16]).rstrip(b"=").decode()


class TestOff:
    """Nothing of it exists until somebody switches it on (promise P7)."""

    @pytest.mark.parametrize("response_type", [*TYPES, "token", "code token", "code id_token", "code id_token token"])
    def test_response_type_is_unsupported(self, world, app, response_type):
        """Also for a client whose registration says more; the error goes where a client of this type looks."""
        client = Client.registered(
            world, "spa", response_types=["code", response_type], grant_types=["authorization_code", "implicit"]
        )
        world.user("ada")
        browser = Browser(app)
        browser.authorize(client, user="ada")

        answer = fragment_of(browser.open(client, response_type=response_type))

        assert {"error", "error_description", "state", "iss"} == answer.keys()
        assert ("unsupported_response_type", "st4te") == (answer["error"], answer["state"])

    def test_discovery_is_silent(self, client):
        document = client.http.get("/.well-known/openid-configuration", base_url=PUBLIC_URL).json

        assert ["code"] == document["response_types_supported"]
        assert "implicit" not in document["grant_types_supported"]

    def test_nobody_can_register_it(self, app):
        with app.app_context():
            offered = supported()

        assert {"code"} == offered.response_types
        assert "implicit" not in offered.grant_types


class TestOn:
    """With `extensions = ["+implicit"]`."""

    @pytest.fixture
    def settings(self, settings):
        return settings.model_copy(update={"extensions": ("+implicit",)})

    @pytest.fixture
    def ada(self, world):
        return world.user("ada", claims={"name": "Ada", "given_name": "A."})

    @pytest.fixture
    def page(self, world, ada):
        """A client without a secret that registered all of it."""
        return Client.registered(world, "page", public=True, response_types=TYPES, grant_types=["implicit"])

    @pytest.fixture
    def signed_in(self, app, ada, client):
        """Ada's browser, with a session."""
        browser = Browser(app)
        browser.authorize(client, user="ada")
        return browser

    def ask(self, browser, client, **changes):
        return fragment_of(browser.open(client, code_challenge=None, code_challenge_method=None, **changes))

    def test_id_token_alone(self, signed_in, page):
        """§3.2.2.5: in the fragment, with state; no access token, so neither token_type nor expires_in, nor at_hash."""
        answer = self.ask(signed_in, page, response_type="id_token", scope="openid email")
        claims = unverified(answer["id_token"])

        assert {"id_token", "state", "iss"} == answer.keys()
        assert "st4te" == answer["state"]
        assert ("page", "n0nce", "sub-ada") == (claims["aud"], claims["nonce"], claims["sub"])
        assert not {"at_hash", "c_hash"} & claims.keys()

    def test_scope_claims_are_in_an_id_token_that_comes_alone(self, signed_in, page):
        """§5.4: "when ... no Access Token is issued, the resulting Claims are returned in the ID Token"."""
        alone = self.ask(signed_in, page, response_type="id_token", scope="openid profile email")
        beside = self.ask(signed_in, page, response_type="id_token token", scope="openid profile email")

        expected = {"name": "Ada", "given_name": "A.", "email": "ada@example.com", "email_verified": True}
        assert expected.items() <= unverified(alone["id_token"]).items()
        assert not {*expected, "preferred_username"} & unverified(beside["id_token"]).keys()
        only = self.ask(signed_in, page, response_type="id_token", scope="openid email")
        assert "name" not in unverified(only["id_token"])

    def test_id_token_and_access_token(self, signed_in, page):
        """§3.2.2.5, RFC 6749 §4.2.2: token type, lifetime, scope; the access token works at userinfo."""
        answer = self.ask(signed_in, page, response_type="id_token token", scope="openid email unknown")
        claims = unverified(answer["id_token"])

        assert {"access_token", "token_type", "expires_in", "scope", "id_token", "state", "iss"} == answer.keys()
        assert ("Bearer", "300", "openid email") == (answer["token_type"], answer["expires_in"], answer["scope"])
        assert half_of_sha256(answer["access_token"]) == claims["at_hash"]
        userinfo = page.userinfo(answer["access_token"]).json
        assert {"sub": "sub-ada", "email": "ada@example.com", "email_verified": True} == userinfo

    def test_tokens_are_as_the_token_endpoint_makes_them(self, signed_in, page, client):
        """The same claims, types and keys as those of the code flow, but what names client, times and hashes."""
        front = self.ask(signed_in, page, response_type="id_token token")
        back = client.tokens(signed_in)
        for token in ("id_token", "access_token"):
            assert header(back[token]) == header(front[token])
            assert unverified(back[token]).keys() == unverified(front[token]).keys()
        kept = ("sub", "sid", "auth_time", "acr", "amr", "iss")
        mine, theirs = unverified(front["id_token"]), unverified(back["id_token"])
        assert [theirs[name] for name in kept] == [mine[name] for name in kept]

    @pytest.mark.parametrize("response_type", ["token id_token", "id_token token"])
    def test_words_have_no_order(self, signed_in, page, response_type):
        """RFC 6749 §3.1.1: "the order of values does not matter"."""
        assert "access_token" in self.ask(signed_in, page, response_type=response_type)

    @pytest.mark.parametrize("response_type", TYPES)
    def test_nonce_is_required(self, signed_in, page, response_type):
        """§3.2.2.1; an empty one is none."""
        for nonce in (None, ""):
            answer = self.ask(signed_in, page, response_type=response_type, nonce=nonce)
            assert ("invalid_request", "st4te") == (answer["error"], answer["state"])

    @pytest.mark.parametrize("response_type", TYPES)
    def test_openid_is_required(self, signed_in, page, response_type):
        """§3.1.2.1: without it there is no ID token to speak of."""
        assert "invalid_request" == self.ask(signed_in, page, response_type=response_type, scope="email")["error"]

    @pytest.mark.parametrize("response_type", TYPES)
    def test_errors_are_in_the_fragment(self, app, page, response_type):
        """§3.2.2.6; also those of prompt=none and of a "no"."""
        for changes, error in (
            ({"prompt": "none"}, "login_required"),
            ({"prompt": "none login"}, "invalid_request"),
            ({"max_age": "x"}, "invalid_request"),
            ({"request": "x"}, "invalid_request_object"),
            ({"registration": "{}"}, "registration_not_supported"),
        ):
            answer = self.ask(Browser(app), page, response_type=response_type, **changes)
            assert {"error", "error_description", "state", "iss"} == answer.keys()
            assert (error, PUBLIC_URL) == (answer["error"], answer["iss"])

    def test_no_is_in_the_fragment(self, world, app, ada):
        asking = Client.registered(
            world, "asking", public=True, consent="ask", response_types=TYPES, grant_types=["implicit"]
        )
        browser = Browser(app)
        browser.open(asking, response_type="id_token", code_challenge=None)
        browser.follow()
        browser.sign_in("ada")

        assert "access_denied" == fragment_of(browser.submit(button=("decision", "deny")))["error"]

    @pytest.mark.parametrize("response_type", TYPES)
    def test_query_is_refused(self, signed_in, page, response_type):
        """Multiple Response Types §3, §5: never in a query, that servers log; the refusal is in the fragment too."""
        answer = self.ask(signed_in, page, response_type=response_type, response_mode="query")

        assert "invalid_request" == answer["error"]
        assert "id_token" in self.ask(signed_in, page, response_type=response_type, response_mode="fragment")

    def test_form_post(self, signed_in, page):
        """Form Post Response Mode §2: the tokens are in the form."""
        response = signed_in.open(page, response_type="id_token token", response_mode="form_post", code_challenge=None)
        (form,) = Forms.of(response.text)
        fields = form["fields"]

        assert (200, page.redirect_uri) == (response.status_code, form["action"])
        assert {"access_token", "token_type", "expires_in", "scope", "id_token", "state", "iss"} == fields.keys()
        assert 200 == page.userinfo(fields["access_token"]).status_code

    def test_client_registers_it(self, world, signed_in):
        """Response type and grant type `implicit` (Registration §2): either alone is not enough."""
        for name, response_types, grant_types in (
            ("a", ["code"], ["authorization_code", "implicit"]),
            ("b", TYPES, ["authorization_code"]),
            ("c", ["id_token"], ["implicit"]),
        ):
            client = Client.registered(world, name, response_types=response_types, grant_types=grant_types)
            assert "unauthorized_client" == self.ask(signed_in, client, response_type="id_token token")["error"]

    def test_clients_can_register_it(self, app):
        """Declared or by themselves."""
        members = {
            "response_types": ["token id_token"],
            "grant_types": ["implicit"],
            "redirect_uris": ["https://a.example/"],
        }
        with app.app_context():
            found = metadata.validate(members, supported(), client_id="a")
            with pytest.raises(metadata.InvalidMetadata, match="response_types"):
                metadata.validate({**members, "grant_types": ["client_credentials"]}, supported(), client_id="a")

        assert (["id_token token"], ["implicit"]) == (found.response_types, found.grant_types)

    def test_no_refresh_token_and_no_code(self, world, signed_in, ada):
        """RFC 6749 §4.2.2: no refresh token; Core §11: offline_access counts only with a code."""
        client = Client.registered(
            world,
            "both",
            response_types=["code", *TYPES],
            grant_types=["authorization_code", "implicit", "refresh_token"],
        )
        answer = self.ask(signed_in, client, response_type="id_token token", scope="openid offline_access")

        assert "openid" == answer["scope"]
        assert not {"refresh_token", "code"} & answer.keys()
        assert [(False,)] == world.execute("SELECT offline FROM oauth_grant WHERE client_id = 'both'")
        assert [] == world.execute("SELECT hash FROM authorization_code WHERE client_id = 'both'")

    def test_access_token_ends_with_the_session(self, world, signed_in, page):
        """As every token of a grant does."""
        token = self.ask(signed_in, page, response_type="id_token token")["access_token"]
        world.execute("UPDATE sso_session SET ended_at = now()")

        assert 401 == page.userinfo(token).status_code

    def test_sign_in_and_consent_come_first(self, world, app, ada):
        """The request waits for its user as others do, and is forgotten when it is answered."""
        asking = Client.registered(
            world, "asking", public=True, consent="ask", response_types=TYPES, grant_types=["implicit"]
        )
        browser = Browser(app)
        browser.open(asking, response_type="id_token token", code_challenge=None)
        browser.follow()
        browser.sign_in("ada")

        answer = fragment_of(browser.submit(button=("decision", "allow")))

        assert "sub-ada" == unverified(answer["id_token"])["sub"]
        assert 0 == world.count("authorization_request")

    def test_company_is_in_the_tokens(self, world, signed_in, page, ada):
        """The same claims as ever, read in the statement that begins the grant."""
        north = world.company("north")
        world.join(ada, north, "data_owner")
        answer = self.ask(signed_in, page, response_type="id_token token", scope="openid companies", company="north")

        for token in ("id_token", "access_token"):
            claims = unverified(answer[token])
            assert (str(north.id), ["data_owner"]) == (claims["company_id"], claims["roles"])

    def test_state_comes_back_as_it_was(self, signed_in, page):
        """Promise P11, in a fragment too."""
        for state in ("a b+c", "&=#?/%", "ünïcödé 🎉", "~-._" * 32):
            assert state == self.ask(signed_in, page, response_type="id_token", state=state)["state"]

    def test_pkce_has_nothing_to_bind(self, signed_in, page):
        """Neither demanded nor looked at where no code is handed out."""
        assert "id_token" in fragment_of(signed_in.open(page, response_type="id_token", code_challenge_method="plain"))

    def test_code_flow_is_as_before(self, signed_in, client):
        """In the query, with PKCE."""
        location = urlsplit(signed_in.open(client).headers["Location"])

        assert {"code", "state", "iss"} == dict(parse_qsl(location.query)).keys()
        assert "error=invalid_request" in signed_in.open(client, code_challenge=None).headers["Location"]

    def test_one_statement_begins_the_grant(self, signed_in, page, monkeypatch):
        """As many statements as with a code: grant and what the tokens say of it are one."""
        sent, execute = [], psycopg.Cursor.execute

        def counting(cursor, query, *args, **kwargs):
            sent.append(query)
            return execute(cursor, query, *args, **kwargs)

        self.ask(signed_in, page, response_type="id_token token")
        monkeypatch.setattr(psycopg.Cursor, "execute", counting)
        self.ask(signed_in, page, response_type="id_token token")

        assert 1 == len([query for query in sent if "oauth_grant" in str(query)])

    def test_discovery_tells(self, client):
        """Discovery §3."""
        document = client.http.get("/.well-known/openid-configuration", base_url=PUBLIC_URL).json

        assert ["code", "id_token", "id_token token"] == document["response_types_supported"]
        assert "implicit" in document["grant_types_supported"]
        assert {"query", "fragment", "form_post"} <= set(document["response_modes_supported"])

    def test_token_endpoint_has_no_such_grant(self, world, ada):
        """`implicit` is a flow, not a grant type of the token endpoint."""
        client = Client.registered(world, "both", grant_types=["authorization_code", "implicit"])

        assert "unsupported_grant_type" == client.token(grant_type="implicit").json["error"]

    def test_request_by_post(self, signed_in, page):
        """Core §3.2.2.1, §3.1.2.1."""
        form = urlencode(page.parameters(response_type="id_token", code_challenge=None))
        signed_in.page = signed_in.http.post(
            "/oauth2/authorize", data=form, content_type="application/x-www-form-urlencoded", base_url=PUBLIC_URL
        )

        assert "id_token" in fragment_of(signed_in.follow())
