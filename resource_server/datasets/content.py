"""The bytes of a dataset: at most 16 MiB, copied in pieces through a file, so that few of them lie in memory.

No connection of the pool waits for a slow client: what comes in is complete before the transaction begins, what goes
out is copied before it ends.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Final

from sqlalchemy import delete, insert, select

from resource_server import Principal
from resource_server.datasets.dataset import demand, require
from resource_server.datasets.models import Chunk, Dataset
from resource_server.datasets.service import Caller, Service

LIMIT: Final = 16 * 1024 * 1024  # bytes
PIECE: Final = 256 * 1024  # bytes
IN_MEMORY: Final = 1024 * 1024  # bytes; what is larger lies in a temporary file


@dataclass(frozen=True)
class Upload:
    """Content that has arrived completely."""

    file: IO[bytes]
    size: int  # bytes
    digest: bytes  # SHA-256


class TooLarge(Exception):
    """More than `LIMIT` bytes."""


@contextmanager
def received(stream: IO[bytes]) -> Iterator[Upload]:
    """A body, copied aside and hashed, for as long as the block lasts.

    Raises:
        TooLarge: after reading no more than one piece too much.
    """
    with _spool() as file:
        size, digest = 0, hashlib.sha256()
        while piece := stream.read(PIECE):
            size += len(piece)
            if size > LIMIT:
                raise TooLarge
            digest.update(piece)
            file.write(piece)
        file.seek(0)
        yield Upload(file, size, digest.digest())


# Raises when the dataset is not what the client believed it to be (If-Match).
Unless = Callable[[Dataset], None]


def writable(service: Service, principal: Principal, dataset_id: str, *, unless: Unless | None = None) -> Dataset:
    """The dataset whose content the caller may replace: asked before a body of 16 MiB is read."""
    with service.transaction(principal) as caller:
        return _writable(caller, dataset_id, unless)


def replace(
    service: Service,
    principal: Principal,
    dataset_id: str,
    upload: Upload,
    media_type: str,
    *,
    unless: Unless | None = None,
) -> Dataset:
    """Put the upload in the place of what was there; readers see all of the old or all of the new.

    `unless` is asked about the dataset that nobody else can change now.
    """
    with service.transaction(principal) as caller:
        dataset = _writable(caller, dataset_id, unless, lock=True)
        if unless is not None:
            unless(dataset)
        store(caller, dataset, upload, media_type)
        return dataset


def store(caller: Caller, dataset: Dataset, upload: Upload, media_type: str) -> None:
    """Write the pieces and what the dataset says about them."""
    mine = (Chunk.dataset_id == dataset.id) & (Chunk.company_id == dataset.company_id)
    caller.session.execute(delete(Chunk).where(mine))
    for number, piece in enumerate(iter(lambda: upload.file.read(PIECE), b"")):
        row = {"dataset_id": dataset.id, "company_id": dataset.company_id, "number": number, "data": piece}
        caller.session.execute(insert(Chunk).values(row))
    dataset.size, dataset.digest, dataset.media_type = upload.size, upload.digest, media_type
    dataset.updated_at = caller.now


@contextmanager
def reading(
    service: Service, principal: Principal, dataset_id: str
) -> Iterator[tuple[Dataset, Callable[[], IO[bytes]]]]:
    """The dataset, if the caller may read it, and a function that copies its content into a file.

    The function is for inside the block only, and its caller closes the file; a client that has the content already
    spares us the call.
    """
    with service.transaction(principal, snapshot=True) as caller:
        dataset = require(caller, "read", dataset_id).dataset
        yield dataset, lambda: _copy(caller, dataset)


def _writable(caller: Caller, dataset_id: str, unless: Unless | None, *, lock: bool = False) -> Dataset:
    found = require(caller, "modify", dataset_id, lock=lock)
    # What a condition tells about the content is for who may read it.
    if unless is not None:
        demand(caller, "read", found)
    return found.dataset


def _copy(caller: Caller, dataset: Dataset) -> IO[bytes]:
    file = _spool()
    pieces = select(Chunk.data).where(Chunk.dataset_id == dataset.id, Chunk.company_id == dataset.company_id)
    for number in range(-(-dataset.size // PIECE)):
        file.write(caller.session.scalars(pieces.where(Chunk.number == number)).one())
    file.seek(0)
    return file


def _spool() -> IO[bytes]:
    return SpooledTemporaryFile(IN_MEMORY)
