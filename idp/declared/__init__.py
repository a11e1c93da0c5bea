"""The declared state: companies, users, resources and clients as TOML, `idp apply` and `idp export`.

    document    TOML with ${NAME} -> plain entries
    thing       Thing, Change and the plan: a pure difference of two states
    entries     checks of one entry's keys, shared by the kinds
    companies, users, resources, clients      one kind each: an entry or rows -> Thing; a Change -> rows
    references  what the things say of each other
    state       apply and export: read, check, plan, write, in one transaction
    toml        a state as TOML
    errors      Invalid: table, key and field in one line

What a file says and what the database holds are the same `Thing`, so a plan is a comparison and an export is a print.
"""
