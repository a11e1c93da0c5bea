"""The `idp` command, one file a family.

serve          the HTTP server, and the jobs beside it
database       which database a command works in: the configured one, or the embedded one
schema  jobs   `idp migrate`, `idp jobs`
declared       `idp apply`, `idp export`
keys           `idp keys list`, `rotate`, `revoke`
instance       `idp check-config`, `idp doctor`
main           errors as one line, exit status
"""

from idp.cli.main import main

__all__ = ["main"]
