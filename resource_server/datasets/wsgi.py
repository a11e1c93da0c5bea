"""What the server's workers load: the application, from the environment."""

from flask import Flask

from resource_server.datasets.app import create_app
from resource_server.datasets.settings import load


def application() -> Flask:
    """Granian calls it once a worker."""
    return create_app(load())
