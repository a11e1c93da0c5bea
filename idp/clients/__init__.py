"""OAuth clients and resource servers: registration, metadata, secrets."""
