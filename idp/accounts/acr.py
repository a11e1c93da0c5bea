"""Authentication context class references: how surely somebody was recognised (OpenID Connect Core §2, `acr`)."""

# "0": by nothing that we know (Core §2); another issuer said who it is.
ELSEWHERE = "0"
ONE_FACTOR = "urn:idp:1fa"
TWO_FACTORS = "urn:idp:2fa"
