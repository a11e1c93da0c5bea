"""The bytes of a dataset."""

import hashlib
import io

import pytest
from dataset_world import World
from werkzeug.test import TestResponse

from resource_server.datasets.content import LIMIT, PIECE, reading


def test_content_comes_back_as_it_went_in(world: World) -> None:
    """With its media type and SHA-256 as ETag, as an attachment that no browser runs."""
    ines = world.person("ines")
    identifier = ines.create("Wind & 風.csv")
    data = b"hour,MWh\n1,7\n" * 50_000  # more than two pieces
    assert len(data) > 2 * PIECE
    put = ines.upload(identifier, data, "text/csv; charset=utf-8")
    got = world.person("jonas").get(f"/datasets/{identifier}/content")

    tag = f'"{hashlib.sha256(data).hexdigest()}"'
    assert (204, tag) == (put.status_code, put.headers["ETag"])
    assert (200, data, tag) == (got.status_code, got.data, got.headers["ETag"])
    assert "text/csv; charset=utf-8" == got.headers["Content-Type"]
    assert "attachment; filename*=UTF-8''Wind%20%26%20%E9%A2%A8.csv" == got.headers["Content-Disposition"]
    assert "nosniff" == got.headers["X-Content-Type-Options"]
    assert "default-src 'none'; sandbox" == got.headers["Content-Security-Policy"]
    facts = ines.get(f"/datasets/{identifier}").json
    assert facts is not None
    assert (len(data), "text/csv; charset=utf-8") == (facts["size"], facts["media_type"])
    got.close()


def test_empty_content(world: World) -> None:
    ines = world.person("ines")
    got = ines.get(f"/datasets/{ines.create()}/content")

    assert (200, b"", "0") == (got.status_code, got.data, got.headers["Content-Length"])
    got.close()


def test_head_tells_the_same_without_the_bytes(world: World) -> None:
    ines = world.person("ines")
    identifier = ines.create()
    ines.upload(identifier, b"0123456789")
    head, got = (ines.request(method, f"/datasets/{identifier}/content") for method in ("HEAD", "GET"))

    assert (200, b"") == (head.status_code, head.data)
    assert dict(got.headers) == dict(head.headers)
    got.close()


@pytest.mark.parametrize(
    ("asked", "status", "data", "content_range"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("bytes=x", 200, b"0123456789", None),
    ],
)
def test_ranges(world: World, asked: str, status: int, data: bytes | None, content_range: str | None) -> None:
    """RFC 9110 §14.2."""
    ines = world.person("ines")
    identifier = ines.create()
    ines.upload(identifier, b"0123456789")
    got = ines.get(f"/datasets/{identifier}/content", headers={"Range": asked})

    assert status == got.status_code
    assert data is None or data == got.data
    assert content_range == got.headers.get("Content-Range")
    got.close()


def test_preconditions_are_looked_at_after_the_decision(world: World) -> None:
    """Who may not read gets no 304 that would confirm a guess, and no 412 or 416."""
    ines, mette = world.person("ines"), world.person("mette")
    identifier = ines.create(mode="restricted")
    tag = ines.upload(identifier, b"secret").headers["ETag"]
    path = f"/datasets/{identifier}/content"

    fresh = ines.get(path, headers={"If-None-Match": tag})
    assert (304, b"") == (fresh.status_code, fresh.data)
    for headers in ({"If-None-Match": tag}, {"If-Match": '"x"'}, {"Range": "bytes=99-"}, {"If-None-Match": "*"}):
        assert 403 == mette.get(path, headers=headers).status_code
        assert 403 == mette.upload(identifier, b"x", headers=headers).status_code


def test_if_match_guards_against_lost_updates(world: World) -> None:
    """RFC 9110 §13.1.1."""
    ines = world.person("ines")
    identifier = ines.create()
    first = ines.upload(identifier, b"1").headers["ETag"]

    assert 204 == ines.upload(identifier, b"2", headers={"If-Match": first}).status_code
    assert 412 == ines.upload(identifier, b"3", headers={"If-Match": first}).status_code
    assert 412 == ines.upload(identifier, b"3", headers={"If-None-Match": "*"}).status_code
    assert b"2" == read(ines.get(f"/datasets/{identifier}/content"))


def test_a_condition_tells_nothing_to_whoever_may_not_read(world: World) -> None:
    """403 whether the guess is right or wrong, rather than a write without the protection that was asked for."""
    ines = world.person("ines")
    identifier = ines.create()
    tag = ines.upload(identifier, b"secret").headers["ETag"]
    blind = world.person("ines", scope="datasets:modify")

    for guess in (tag, '"x"', "*"):
        for condition in ("If-Match", "If-None-Match"):
            refused = blind.upload(identifier, b"y", headers={condition: guess})
            assert (403, "scope") == (refused.status_code, (refused.json or {})["reason"])
            assert 'scope="datasets:read"' in refused.headers["WWW-Authenticate"]
    assert b"secret" == read(ines.get(f"/datasets/{identifier}/content"))
    assert 204 == blind.upload(identifier, b"y").status_code


@pytest.mark.parametrize("chunked", [False, True])
def test_16_mib_are_enough(world: World, chunked: bool) -> None:
    """One byte more is 413, also when nobody said how many would come; what was there stays."""
    ines = world.person("ines")
    identifier = ines.create()
    whole, more = b"x" * LIMIT, b"x" * (LIMIT + 1)

    assert 204 == send(world, ines.token, identifier, whole, chunked=chunked).status_code
    assert 413 == send(world, ines.token, identifier, more, chunked=chunked).status_code
    assert LIMIT == (ines.get(f"/datasets/{identifier}").json or {})["size"]


@pytest.mark.parametrize("terminated", [False, True])
def test_an_upload_that_breaks_off_changes_nothing(world: World, terminated: bool) -> None:
    """Fewer bytes than Content-Length says: 400, whether or not the server ends the stream itself."""
    ines = world.person("ines")
    identifier = ines.create()
    ines.upload(identifier, b"old")
    broken = send(world, ines.token, identifier, b"new", length=10, terminated=terminated)

    assert 400 == broken.status_code
    assert b"old" == read(ines.get(f"/datasets/{identifier}/content"))


@pytest.mark.parametrize("media_type", ["", "text", "text/", "a b/c", "text/html\t", "x/" + "y" * 255, "text/plain;"])
def test_a_content_type_must_be_a_media_type(world: World, media_type: str) -> None:
    ines = world.person("ines")

    assert 400 == ines.upload(ines.create(), b"x", media_type).status_code


def test_content_is_replaced_for_readers_at_once(world: World) -> None:
    """A read that has begun sees the old content whole."""
    ines = world.person("ines")
    identifier = ines.create()
    ines.upload(identifier, b"old" * PIECE)
    got = ines.get(f"/datasets/{identifier}/content")
    ines.upload(identifier, b"new")

    assert b"old" * PIECE == read(got)
    assert b"new" == read(ines.get(f"/datasets/{identifier}/content"))


def test_a_copy_never_mixes_old_and_new(world: World) -> None:
    """Content that is replaced between two pieces of a copy does not show in it."""
    ines = world.person("ines")
    identifier = ines.create()
    ines.upload(identifier, b"o" * 2 * PIECE)
    principal = world.service.tokens.verify(ines.token)
    with reading(world.service, principal, identifier) as (_dataset, copy):
        ines.upload(identifier, b"n" * 2 * PIECE)
        with copy() as file:
            assert b"o" * 2 * PIECE == file.read()


def read(answer: TestResponse) -> bytes:
    data = answer.data
    answer.close()
    return data


def send(
    world: World,
    token: str,
    identifier: str,
    data: bytes,
    *,
    length: int | None = None,
    chunked: bool = False,
    terminated: bool = False,
) -> TestResponse:
    """An upload with a length of its own, or none, on a server that ends the stream itself, as Granian does."""
    environ: dict[str, object] = {"wsgi.input_terminated": True} if chunked or terminated else {}
    if not chunked:
        environ["CONTENT_LENGTH"] = str(len(data) if length is None else length)
    return world.app.test_client().put(
        f"/datasets/{identifier}/content",
        input_stream=io.BytesIO(data),
        content_type="text/plain",
        headers={"Authorization": f"Bearer {token}"},
        environ_overrides=environ,
    )
