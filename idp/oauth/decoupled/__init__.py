"""Authorizations whose user decides elsewhere while the client polls: what RFC 8628 and CIBA have in common.

client                                                    its user, in a browser
POST device_authorization, bc-authorize                   types the code       opens the account
polled.judge, rows.start ── decoupled_authorization ──> user_codes.enter     approvals.review
POST token                              │                         elsewhere.open_here
polled.Polled: rows.poll, rows.redeem │          sign-in, company, consent: as for every request
└──────────── elsewhere.complete, elsewhere.deny (way)
"""
