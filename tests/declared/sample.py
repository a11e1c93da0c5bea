"""A declaration that uses every table and most keys."""

TABLES = ("company", "user_account", "member", "resource", "client", "declared")

WORLD = """
[[company]]
slug = "acme"
name = "Acme"
policy = { second_factor = true, max_session = "720m" }

[[company]]
slug = "umbrella"

[[user]]
username = "ada"
email = "ada@example.com"
email_verified = true
name = "Ada Lovelace"
address = { formatted = "1 St James's Square\\nLondon", country = "GB" }
phone_number_verified = false
password = "${PASSWORD}"
companies = { acme = ["data_owner", "admin"], umbrella = { roles = ["member"], suspended = true } }

[[user]]
username = "root"
operator = true

[[resource]]
uri = "https://data.example.com"
name = "Data"
scopes = { "data:read" = "Read data" }
clients = ["service"]
authorization_details = { row = '{"type": "object", "default": null}' }

[[client]]
client_id = "shop"
client_name = "Shop"
"client_name#nb" = "Butikk"
redirect_uris = ["https://shop.example/cb"]
grant_types = ["authorization_code", "refresh_token"]
scope = "openid data:read"
client_secret = "chosen by a person"
resources = ["https://data.example.com"]
consent = "implied"
require_pkce = false

[[client]]
client_id = "service"
grant_types = ["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"]
company = "acme"
roles = ["viewer"]
may_act = "shop"
may_impersonate = true
"""
