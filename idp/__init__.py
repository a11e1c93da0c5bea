"""The identity provider.

    app          create_app(): everything put together
    settings     what an operator sets · errors: what the outside sees · context: settings, keys and clock of an app
    db           the ORM, and the short way to the driver · opaque: random credentials · passwords: scrypt
    accounts     people and how they sign in · companies: and their members · clients: and resource servers
    sso          the session behind the sign-in · grants: what subjects allowed clients, and what that is worth now
    oauth        the protocol, an authorization server fed with extensions (one file a specification)
    api          JSON for self-service and administration · declared: the state that an operator declares
    jobs         what happens by itself · cli: the `idp` command
    audit · limits · health · logs

Imports point downwards only: pyproject.toml holds the contracts.
"""
