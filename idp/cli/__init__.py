"""The `idp` command, one file a family.

main           errors as one line, exit status
database       which database a command works in: the configured one, or the embedded one
serve          the HTTP server, and the jobs beside it; worker: each of its processes; bodies: what they wait for
schema  jobs   `idp migrate`, `idp jobs`
declared       `idp apply`, `idp export`
keys           `idp keys list`, `rotate`, `revoke`
instance       `idp check-config`, `idp doctor`
"""


def main() -> None:
    """Run the command line."""
    # Here and not above: a worker of the server imports this package, but none of its commands.
    from idp.cli.main import main as run

    run()
