"""The declared state: companies, users, resources and clients as TOML, `idp apply` and `idp export`."""
