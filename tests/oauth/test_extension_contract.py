"""An extension is one file that declares itself: what discovery accepts, orders and refuses."""

import pkgutil
import sys
from types import ModuleType

import pytest

import consent_ui
from idp.app import create_app
from idp.errors import InvalidGrant
from idp.oauth import extensions
from idp.oauth.authorize import authorize
from idp.oauth.extension import Endpoint, Extension, Phase, discover, enabled
from idp.oauth.extensions import client_credentials
from idp.settings import Misconfigured


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of extensions; each is given as its declaration."""

    def made(**declared):
        for name, source in declared.items():
            lines = ["from idp.oauth.extension import Endpoint, Extension", "def view(*_): return ''", ""]
            (tmp_path / f"{name}.py").write_text("\n".join([*lines, f"extension = {source}"]))
        module = ModuleType("declared_extensions")
        module.__path__ = [str(tmp_path)]
        monkeypatch.setitem(sys.modules, "declared_extensions", module)
        return module

    yield made
    for name in [name for name in sys.modules if name.startswith("declared_extensions.")]:
        del sys.modules[name]


def test_what_must_hold_in_the_end_comes_before_anything_lasts(app, public_client, browser, world):
    """Phase.REQUIRE: all is proved then, and nothing has changed for good: the refresh token has not rotated."""
    world.user("ada")
    demanded = app.extensions["oauth"]._token[Phase.REQUIRE]

    def refuse(request):
        assert request.authorization.standing
        raise InvalidGrant("not like this")

    token = public_client.tokens(browser, user="ada")["refresh_token"]
    demanded.append(refuse)

    assert "invalid_grant" == public_client.refresh(token).json["error"]
    assert [(0,)] == world.execute("SELECT generation FROM oauth_grant")


PLAIN = "Extension(name={0!r}, spec='x')"


def test_order_is_that_of_names(package):
    """Steps run by phase, then by file name, however the settings list them."""
    made = package(b=PLAIN.format("b"), a=PLAIN.format("a"), c="Extension(name='c', spec='x', default=False)")

    assert ["a", "b"] == [found.name for found in discover(made, None)]
    assert ["a", "c"] == [found.name for found in discover(made, ["c", "a"])]
    assert [] == discover(made, [])


def test_default_can_be_changed(package):
    """`+name` adds, `-name` takes away: a list of all would go stale with every release."""
    made = package(b=PLAIN.format("b"), a=PLAIN.format("a"), c="Extension(name='c', spec='x', default=False)")

    assert ["a", "b", "c"] == [found.name for found in discover(made, ["+c"])]
    assert ["b", "c"] == [found.name for found in discover(made, ["-a", "+c", "+b"])]
    with pytest.raises(Misconfigured, match="cannot stand beside plain names"):
        discover(made, ["a", "+c"])
    with pytest.raises(Misconfigured, match="d does not exist; there are a, b, c"):
        discover(made, ["+d"])


def test_unknown_name_stops_the_start(package):
    """With the name, and what there is instead."""
    with pytest.raises(Misconfigured, match="pkce_typo does not exist; there are a, b"):
        discover(package(a=PLAIN.format("a"), b=PLAIN.format("b")), ["a", "pkce_typo"])


@pytest.mark.parametrize(
    ("owned", "named"),
    [
        ("endpoints=(Endpoint(name={0!r}, path='/x', methods=('GET',), view=view),)", "path /x"),
        ("grants=(type('G', (), dict(GRANT_TYPE='g')),)", "grant type g"),
        ("response_types=dict(r=view)", "response type r"),
        ("response_modes=dict(m=view)", "response mode m"),
        ("client_auth=dict(m=view)", "client authentication m"),
        ("client_metadata=dict(m=view)", "client metadata m"),
        ("confirms=dict(c=view)", "confirmation c"),
        ("outgoing=dict(k=view)", "message k"),
        ("varying=dict(d=view)", "discovery field d"),
        ("introspection=dict(m=view)", "form of introspection m"),
    ],
)
def test_two_owners_stop_the_start(package, settings, owned, named):
    """A path, grant type, response type or authentication method belongs to one extension."""
    made = package(**{
        name: f"Extension(name={name!r}, spec='x', {owned.format(name)})" for name in ("first", "second")
    })  # fmt: skip

    with pytest.raises(Misconfigured, match=f"the {named} belongs to both first and second"):
        enabled(made, settings)


def test_settings_decide_what_is_left_of_an_extension(package, settings):
    """What needs a setting that is absent is not offered, whole or in part; the rest stays as declared."""
    made = package(
        a="Extension(name='a', spec='x', configured=lambda settings: None)",
        b="Extension(name='b', spec='x', configured=lambda settings: Extension(name='b', spec=settings.public_url))",
        c=PLAIN.format("c"),
    )

    assert [("b", settings.public_url), ("c", "x")] == [(each.name, each.spec) for each in enabled(made, settings)]


def test_importing_extensions_changes_nothing(app):
    """Two applications share no state: importing declares, create_app() collects."""
    first = [found.name for found in discover(extensions, None)]
    second = [found.name for found in discover(extensions, None)]

    assert first == second == sorted(first)
    assert "client_credentials" in first
    assert isinstance(client_credentials.extension, Extension)


def test_what_is_not_enabled_does_not_exist(app, settings, clock):
    """Without their files the grant is unsupported, the path is 404, and discovery is silent about both."""
    few = settings.model_copy(update={"extensions": ("authorization_code", "discovery", "pkce")})
    small = create_app(few, consent_ui, keys=app.extensions["idp"].keys, now=clock).test_client()

    document = small.get("/.well-known/openid-configuration").json
    grant = small.post("/oauth2/token", data={"grant_type": "client_credentials"})

    assert ["authorization_code"] == document["grant_types_supported"]
    assert not {"introspection_endpoint", "revocation_endpoint", "userinfo_endpoint"} & document.keys()
    assert (400, "unsupported_grant_type") == (grant.status_code, grant.json["error"])
    assert 404 == small.post("/oauth2/introspect", data={"token": "x"}).status_code


def test_clients_have_authenticated_before_the_view_runs(app):
    """By the declaration, so that no endpoint can forget it."""
    declared = {each.path for each in app.extensions["oauth"].endpoints if each.clients}
    answers = {path: app.test_client().post(path, data={"token": "x"}) for path in declared}

    assert {"/oauth2/device_authorization", "/oauth2/introspect", "/oauth2/par", "/oauth2/revoke"} == declared
    assert {(401, "invalid_client")} == {(each.status_code, each.json["error"]) for each in answers.values()}


def test_endpoint_declares_its_methods():
    """Exact methods, and nothing crosses origins unless it says so."""
    endpoint = Endpoint(name="x", path="/x", methods=("GET",), view=authorize)

    assert not endpoint.cors
    assert endpoint.announced is None


@pytest.mark.parametrize(("endpoint", "phase"), [("authorize", "BIND"), ("token", "LOAD")])
def test_step_that_would_never_run_stops_the_start(package, endpoint, phase):
    """The authorization endpoint loads and validates; what narrows or binds belongs to the token endpoint."""
    steps = f"{endpoint}={{__import__('idp.oauth.extension').oauth.extension.Phase.{phase}: view}}"
    made = package(a=f"Extension(name='a', spec='x', {steps})")

    with pytest.raises(Misconfigured, match=f"a has a step at {endpoint} in {phase}, which never runs there"):
        discover(made, None)


def test_every_method_is_listed_wherever_clients_authenticate(app, settings, clock, monkeypatch):
    """A new one needs no other file: discovery takes the lists from what the server accepts (RFC 8414 §2)."""
    stamp = Extension(name="stamp", spec="x", client_auth={"by_stamp": lambda _query, _request: None})
    monkeypatch.setattr("idp.app.enabled", lambda *found: [*enabled(*found), stamp])
    other = create_app(settings, consent_ui, keys=app.extensions["idp"].keys, now=clock)

    for endpoint, public in (("token", ["none"]), ("revocation", ["none"]), ("introspection", [])):
        listed = other.extensions["announced"][f"{endpoint}_endpoint_auth_methods_supported"]
        assert ["by_stamp", *public] == listed[-1 - len(public) :]


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        ({"metadata": lambda _: {"x": True}}, {"metadata": lambda _: {"x": False}}, "b announces x"),
        ({"metadata": lambda _: {"x": True}}, {"metadata": lambda _: {"x": ["y"]}}, "b announces x"),
        ({"varying": {"jwks_uri": list}}, {}, "a announces jwks_uri"),
        ({"metadata": lambda _: {"issuer": "https://other.example"}}, {}, "a announces issuer"),
    ],
)
def test_two_that_announce_different_things_stop_the_start(app, settings, clock, monkeypatch, first, second, clash):
    """Not the first client that asks for discovery."""
    made = [Extension(name="a", spec="x", **first), Extension(name="b", spec="x", **second)]
    monkeypatch.setattr("idp.app.enabled", lambda *_: made)

    with pytest.raises(Misconfigured, match=clash):
        create_app(settings, consent_ui, keys=app.extensions["idp"].keys, now=clock)


def test_what_two_announce_alike_is_said_once(app, settings, clock, monkeypatch):
    """Lists add up."""
    made = [Extension(name=name, spec="x", metadata=lambda _, name=name: {"x": ["y", name]}) for name in ("a", "b")]
    monkeypatch.setattr("idp.app.enabled", lambda *_: made)
    small = create_app(settings, consent_ui, keys=app.extensions["idp"].keys, now=clock)

    assert ["y", "a", "b"] == small.extensions["announced"]["x"]


def test_a_slot_has_one_name():
    """Who knows one extension finds the same things in the next under the same words."""
    found = discover(extensions, [module.name for module in pkgutil.iter_modules(extensions.__path__)])

    assert {"metadata", "no_metadata"} == {each.metadata.__name__ for each in found}
    assert {"agree"} == {each.client_check.__name__ for each in found if each.client_check}
