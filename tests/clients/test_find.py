"""Clients are read once in ten seconds; what does not exist is asked for each time."""

import pytest

from idp.clients import client as clients


@pytest.fixture
def find(app):
    def call(function, *args):
        with app.app_context():
            return function(*args)

    return call


def test_a_change_is_seen_after_ten_seconds(find, world, clock):
    world.client("shop", client_name="Old")
    find(clients.find, "shop")
    world.execute("UPDATE client SET client_name = 'New'")
    clock.advance(9.9)
    assert "Old" == find(clients.find, "shop").client_name

    clock.advance(0.1)
    assert "New" == find(clients.find, "shop").client_name


def test_a_new_client_is_found_at_once(find, world):
    assert find(clients.find, "shop") is None
    world.client("shop")

    assert "shop" == find(clients.find, "shop").client_id


def test_a_removed_client_is_gone_after_ten_seconds(find, world, clock):
    world.client("shop")
    find(clients.find, "shop")
    world.execute("DELETE FROM client")
    clock.advance(10)

    assert find(clients.find, "shop") is None


def test_a_forgotten_client_is_read_again(find, world):
    world.client("shop", client_name="Old")
    find(clients.find, "shop")
    world.execute("UPDATE client SET client_name = 'New'")
    find(clients.forget, "shop")

    assert "New" == find(clients.find, "shop").client_name


def test_a_clock_that_is_set_back_keeps_nothing(find, world, clock):
    world.client("shop", client_name="Old")
    find(clients.find, "shop")
    world.execute("UPDATE client SET client_name = 'New'")
    clock.advance(-1)

    assert "New" == find(clients.find, "shop").client_name


def test_it_can_be_read_after_its_session_ended(find, world):
    world.client("shop", redirect_uris=["https://shop.example/cb"])

    assert ["https://shop.example/cb"] == find(clients.find, "shop").redirect_uris
    assert ["https://shop.example/cb"] == find(clients.find, "shop").redirect_uris


def test_a_client_is_as_disabled_as_its_company(find, world):
    company = world.company("acme")
    world.client("shop", company_id=company.id)
    world.execute("UPDATE company SET disabled_at = now()")

    assert find(clients.find, "shop").disabled_at is not None


def test_resources_that_name_a_client(find, world):
    world.resource("https://a.example", "service", "other")
    world.resource("https://b.example", "service")
    world.resource("https://c.example")

    assert {"https://a.example", "https://b.example"} == find(clients.resources_of, "service")
    assert set() == find(clients.resources_of, "nobody")


def test_being_named_counts_at_once_for_a_client_that_was_not(find, world):
    find(clients.resources_of, "service")
    world.resource("https://a.example", "service")

    assert {"https://a.example"} == find(clients.resources_of, "service")


def test_the_own_api_is_a_resource(find):
    found = find(clients.resource, "https://id.example.com/api")

    assert {"companies", "members:read"} == set(found.scopes)
    assert find(clients.resource, "https://id.example.com/") is None


def test_every_client_may_ask_for_the_own_api_and_its_resources(find, world):
    client = world.client("shop", resources=["https://a.example"])

    assert find(clients.may_ask_for, client, "https://id.example.com/api")
    assert find(clients.may_ask_for, client, "https://a.example")
    assert not find(clients.may_ask_for, client, "https://b.example")


def test_the_first_resource_is_the_default_otherwise_the_provider(find, world):
    assert "https://a.example" == find(
        clients.default_audience, world.client("shop", resources=["https://a.example", "https://b.example"])
    )
    assert "https://id.example.com" == find(clients.default_audience, world.client("bare"))


def test_a_client_without_scope_may_ask_for_every_openid_connect_scope(world):
    assert {"openid", "profile", "email", "address", "phone", "offline_access", "companies"} == clients.allowed_scopes(
        world.client("bare")
    )
    assert {"data:read"} == clients.allowed_scopes(world.client("shop", scopes=["data:read"]))
