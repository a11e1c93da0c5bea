"""The `idp` command, one file a family."""
