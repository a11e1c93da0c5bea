"""The HTTP API: each file reads its requests, calls the domain and writes the answers."""

from flask import Flask

from resource_server.datasets.api import authzen, content, datasets, explain, health, shares


def register(app: Flask) -> None:
    """Add the routes."""
    for part in (datasets, content, shares, explain, authzen, health):
        app.register_blueprint(part.blueprint)
