"""A declaration with a mistake changes nothing; the error names table, key and field in one line and no secret."""

from dataclasses import replace

import pytest

from idp.declared.errors import Invalid
from tests.declared.sample import TABLES, WORLD

COMPANY = '[[company]]\nslug = "acme"\n'
USER = '[[user]]\nusername = "ada"\n'
PROVED = "email = 'a@b.c'\nemail_verified = true\n"
RESOURCE = '[[resource]]\nuri = "https://data.example.com"\n'
CLIENT = '[[client]]\nclient_id = "shop"\nredirect_uris = ["https://shop.example/cb"]\n'
MACHINE = '[[client]]\nclient_id = "shop"\ngrant_types = ["client_credentials"]\n'
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


def details(schema):
    return f"authorization_details = {{ a = '{schema}' }}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[company]", "this is not TOML"),
        ("[[team]]\nslug = 'a'", "[[team]] is no table of a declaration"),
        ("[company]\nslug = 'a'", "[[company]]: write each entry under a [[company]] header"),
        ("[[company]]\nname = 'A'", "[[company]]: slug: is required"),
        ("[[company]]\nslug = 'Acme'", "[[company]]: slug: must be 1 to 63 small letters"),
        ("[[company]]\nslug = '0123456789abcdef0123456789abcdef'", "[[company]]: slug: must not look like an id"),
        (COMPANY + "color = 'red'", "[[company]] acme: color: is no key of this table"),
        (COMPANY + "name = 1", "[[company]] acme: name: Input should be a valid string"),
        (COMPANY + "name = ''", "[[company]] acme: name: must be a string of 1 to 200 characters"),
        (COMPANY + "name = 'a\\u202eb'".replace("'", '"'), "[[company]] acme: name: must not contain control"),
        (COMPANY + "disabled = 'no'", "[[company]] acme: disabled: Input should be a valid boolean"),
        (COMPANY + "policy = { max_session = '12' }", "[[company]] acme: policy.max_session: must be a time"),
        (COMPANY + "policy = { max_session = '1s' }", "[[company]] acme: policy.max_session: must be a time"),
        (COMPANY + "policy = { wall = true }", "[[company]] acme: policy.wall: is no key of this table"),
        (COMPANY + COMPANY, "[[company]] acme: is declared twice"),
        (COMPANY + "name = '${NOWHERE}'", "[[company]]: name: ${NOWHERE} has no value: give --set NOWHERE=…"),
        (COMPANY + "name = '${'", "[[company]]: name: ${ begins a name"),
        ("[[user]]\nusername = 'a@b'", "[[user]]: username: a user name has"),
        (USER + "email_verified = true", "[[user]] ada: email_verified: needs an email"),
        (USER + "email = 'nobody'", "[[user]] ada: email: an e-mail address has"),
        (USER + "picture = 'http://pictures.example/ada.png'", "[[user]] ada: picture: must be an https: URI"),
        (USER + "website = 'http://localhost/'", "[[user]] ada: website: must be an https: URI"),
        (USER + "profile = 'https://ada.example/a b'", "[[user]] ada: profile: must be an https: URL"),
        (
            USER + "password = 'a'\npassword_hash = '$scrypt$ln=15,r=8,p=3$c2Fs$' ",
            "[[user]] ada: password_hash:",
        ),
        (USER + "password_hash = 'bcrypt'", "[[user]] ada: password_hash: a password hash is"),
        (USER + "password = ''", "[[user]] ada: password: a password has 1 to"),
        (USER + "updated_at = 1", "[[user]] ada: updated_at: is no key of this table"),
        (USER + "companies = { acme = ['member'] }", "[[user]] ada: companies: acme does not exist"),
        (COMPANY + USER + "companies = { acme = [] }", "[[user]] ada: companies.acme.roles: must be a list of roles"),
        (
            COMPANY + USER + "companies = { acme = ['A'] }",
            "[[user]] ada: companies.acme.roles: must be a list of roles",
        ),
        (COMPANY + USER + "companies = { acme = 'member' }", "[[user]] ada: companies.acme"),
        (USER + "[[user]]\nusername = 'Ada'", "[[user]] Ada: username: differs from ada only in case"),
        (
            f"{USER}{PROVED}[[user]]\nusername = 'b'\n{PROVED.replace('a@', 'A@')}",
            "[[user]] b: email: is the verified address of ada too",
        ),
        ("[[resource]]\nuri = 'http://data.example.com'", "[[resource]]: uri: must be an https: URI"),
        ("[[resource]]\nuri = 'https://id.example.com/api'", "[[resource]]: uri: this resource is built in"),
        (RESOURCE + "scopes = { openid = 'x' }", "scopes: openid is a scope of the provider itself"),
        (RESOURCE + "scopes = { 'a b' = 'x' }", "scopes: must be a scope"),
        (RESOURCE + "clients = ['nobody']", "clients: nobody does not exist: declare it as a [[client]]"),
        (RESOURCE + "access_token_typ = 'x'", "access_token_typ: Input should be 'at+jwt' or 'JWT'"),
        (RESOURCE + "authorization_details = { a = 'none.json' }", "authorization_details.a: must name a file"),
        (RESOURCE + details('{"type": 1}'), "authorization_details.a: is no JSON schema: $.type breaks"),
        (RESOURCE + details('{"pattern": "("}'), "authorization_details.a: is no JSON schema: $.pattern breaks"),
        (RESOURCE + details('{"$schema": "http://json-schema.org/draft-07/schema#"}'), "a: $schema must be https://"),
        (RESOURCE + details('{"not": {"$id": "x"}}'), "authorization_details.a: must not use $id"),
        (RESOURCE + details('{"$dynamicRef": "#x"}'), "authorization_details.a: must not use $dynamicRef"),
        (RESOURCE + details('{"$ref": "https://x.example/s"}'), "a: has a $ref that names no part of itself"),
        (RESOURCE + details('{"$ref": "other.json#/$defs/a", "$defs": {"a": {}}}'), "a: has a $ref that names no part"),
        (RESOURCE + details('{"items": [], "$ref": "#/$defs/x"}'), "authorization_details.a: is no JSON schema"),
        (RESOURCE + details('{"$ref": "#/$defs/x"}'), "a: has a $ref that names no part of itself"),
        (RESOURCE + details('{"$ref": "#"}'), "a: has a $ref that leads back to itself"),
        (RESOURCE + details('{"anyOf": [{"$ref": "#/anyOf"}]}'), "a: has a $ref that names no part of itself"),
        (
            RESOURCE
            + details(
                '{"$ref": "#/$defs/x", "$defs": {"x": {"not": {"$ref": "#/$defs/y"}},'
                ' "y": {"items": {"$ref": "#/$defs/x"}}}}'
            ),
            "a: has a $ref that leads back to itself",
        ),
        (RESOURCE + details('{"not": ' * 2000 + "{}" + "}" * 2000), "authorization_details.a: must name"),
        (RESOURCE + details('{"not": ' * 300 + "{}" + "}" * 300), "authorization_details.a: is nested too deeply"),
        ("[[client]]\nclient_id = 'a b'", "[[client]]: client_id: must be 1 to 128 of"),
        ("[[client]]\nclient_id = 'shop'", "[[client]] shop: redirect_uris: at least one is needed"),
        (CLIENT + "colour = 1", "[[client]] shop: colour: is no member that this server knows"),
        (CLIENT + "token_endpoint_auth_method = 'private_key_jwt'", "token_endpoint_auth_method: needs the client"),
        (CLIENT + "token_endpoint_auth_method = 'none'\nclient_secret = 'x'", "client_secret: a client with"),
        (CLIENT + "token_endpoint_auth_method = 'none'\nrequire_pkce = false", "require_pkce: a public client always"),
        (CLIENT + "company = 'nobody'", "company: nobody does not exist: declare it as a [[company]]"),
        (CLIENT + "resources = ['https://x.example']", "resources: https://x.example does not exist"),
        (CLIENT + "profile = 'fapi3'", "[[client]] shop: profile: must be fapi2"),
        (CLIENT + "profile = 'fapi2'", "[[client]] shop: token_endpoint_auth_method: must be private_key_jwt"),
        (CLIENT + "client_secret_hash = 'x'", "client_secret_hash: a password hash is"),
        (MACHINE + "token_endpoint_auth_method = 'none'", "grant_types: client_credentials is for clients that"),
        (MACHINE.replace("client_credentials", EXCHANGE) + "token_endpoint_auth_method = 'none'", f"{EXCHANGE} is for"),
        (MACHINE + "may_impersonate = 'yes'", "may_impersonate: must be true or false"),
        (MACHINE + "may_act = 'a b'", "may_act: must be the client_id"),
        (MACHINE + "may_act = ['shop']", "may_act: must be the client_id"),
        (MACHINE + "response_types = ['code']", "response_types: must go with"),
        (MACHINE + "scope = 'a  b'", "scope: must be a scope"),
        (MACHINE + "scope = ''", "scope: must be a scope"),
    ],
)
def test_the_first_mistake_is_named(declare, rows, text, sentence):
    before = {table: rows(table) for table in TABLES}
    with pytest.raises(Invalid) as refused:
        declare(text)

    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert before == {table: rows(table) for table in TABLES}


@pytest.mark.parametrize("broken", ["password = 5555555", "password = ['5555555']", "password_hash = '5555555'"])
def test_no_secret_is_repeated(declare, broken):
    with pytest.raises(Invalid) as refused:
        declare(USER + broken)

    assert "5555555" not in str(refused.value)


def test_a_mistake_in_the_last_table_keeps_the_first_from_being_written(declare, world):
    with pytest.raises(Invalid):
        declare(WORLD + "[[client]]\nclient_id = '!'")

    assert 0 == world.count("company")


def test_what_is_pruned_can_not_be_mentioned(declare):
    declare(WORLD)
    with pytest.raises(Invalid, match="companies: acme does not exist"):
        declare(USER + "companies = { acme = ['member'] }", prune=True)


def test_a_verified_address_of_somebody_else_is_refused(declare, world):
    world.user("visitor")
    with pytest.raises(Invalid, match="is the verified address of visitor too"):
        declare(USER + "email = 'Visitor@example.com'\nemail_verified = true")


def test_a_value_cannot_become_a_table(declare, world):
    """`${NAME}` is replaced in strings that were parsed already."""
    declare("[[company]]\nslug = 'acme'\nname = '${NAME}'", NAME="A' [[user]]")

    assert [("A' [[user]]",)] == world.execute("SELECT name FROM company")


def test_a_grant_type_exists_while_its_extension_is_enabled(declare, app):
    declare(MACHINE)
    context = app.extensions["idp"]
    enabled = context.settings.model_copy(update={"extensions": ("authorization_code", "pkce")})
    app.extensions["idp"] = replace(context, settings=enabled)

    with pytest.raises(Invalid, match=r"grant_types: must be of authorization_code$"):
        declare(MACHINE)
