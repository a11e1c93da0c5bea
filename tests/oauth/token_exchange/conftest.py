"""A portal that people use, the dataset service that it calls, the archive that this one calls, a vault behind it."""

import pytest
from exchanging import ARCHIVE, DATA, EXCHANGE, SCOPES, VAULT, Service, service


@pytest.fixture
def portal(world):
    """Where people sign in; its tokens are for the dataset service."""
    return Service.registered(
        world,
        "portal",
        resources=[DATA, VAULT],
        scopes=SCOPES,
        grant_types=["authorization_code", "refresh_token", EXCHANGE],
    )


@pytest.fixture
def datasets(world):
    """The dataset service, which calls the archive."""
    world.resource(DATA, "datasets")
    return service(world, "datasets", resources=[ARCHIVE, VAULT])


@pytest.fixture
def archive(world):
    """The archive, which calls the vault."""
    world.resource(ARCHIVE, "archive")
    world.resource(VAULT, "vault")
    return service(world, "archive", resources=[VAULT])


@pytest.fixture
def north(world):
    return world.company("north")


@pytest.fixture
def ada(world, north):
    return world.user("ada", {north: ["data_owner"]})


@pytest.fixture
def token(world, browser, portal, datasets, archive, ada):
    """What the dataset service received from the portal."""
    return portal.tokens(browser, user="ada", scope="openid offline_access datasets:read datasets:modify")[
        "access_token"
    ]
