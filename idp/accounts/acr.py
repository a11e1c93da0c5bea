"""Authentication context class references: how surely somebody was recognised (OpenID Connect Core §2, `acr`)."""

ONE_FACTOR = "urn:idp:1fa"
TWO_FACTORS = "urn:idp:2fa"
