"""The protocol: an authorization server that is fed with extensions."""
