"""What the server's workers load: the application, from the environment."""

from resource_server.datasets.app import create_app
from resource_server.datasets.bodies import Bodies
from resource_server.datasets.settings import load


def application() -> Bodies:
    """Granian calls it once a worker."""
    return Bodies(create_app(load()))
