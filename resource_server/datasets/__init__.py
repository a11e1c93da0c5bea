"""The dataset service: companies' data, shared within a company, with a portal for people and an API for programs.

    cli          `dataset-service serve | migrate | load`      settings  DATASETS_* variables
    app          create_app(settings): API, portal, problems   service   what every function is given
    api/         routes: they read the request, call the domain, write the answer
    portal/      pages on the same domain functions            problems  refusals, RFC 9457

    dataset      create, read, change, delete                  content   the bytes of a dataset
    share        who else may read or modify                   visible   the same rule as one SQL predicate, for lists
    explanation  why somebody may or may not                   directory other people, asked of the IdP
    models       tables; migrations/ makes them                database  transactions behind row-level security

A domain function takes the service, the caller's `Principal` and plain arguments; it raises `NotFound` or `Forbidden`.
`resource_server.policy` decides, `database` opens transactions that see the caller's companies only.
"""
