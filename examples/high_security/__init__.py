"""Clients of high security against an instance of its own, with TLS in front: see README.md."""
