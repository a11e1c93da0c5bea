"""Datasets from a TOML file; what is there already, by company and name, is left as it is."""

import io
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, ValidationError, model_validator
from sqlalchemy import select

from resource_server import Principal
from resource_server.datasets import content, dataset, share
from resource_server.datasets.models import Dataset
from resource_server.datasets.names import Description, Name
from resource_server.datasets.service import Service
from resource_server.datasets.settings import Refused


class GivenShare(BaseModel, extra="forbid"):
    """`[[dataset.share]]`."""

    user: str  # user name or e-mail
    access: Literal["read", "modify"]
    expires_at: datetime | None = None  # absent: 90 days from now


class GivenDataset(BaseModel, extra="forbid"):
    """`[[dataset]]`."""

    company: str  # slug
    owner: str  # user name or e-mail
    name: Name
    mode: Literal["company", "restricted"] = "company"
    description: Description = ""
    media_type: str = "text/plain; charset=utf-8"
    content: str | None = None
    file: str | None = None  # beside the TOML file
    share: list[GivenShare] = Field(default=[])

    @model_validator(mode="after")
    def _one_content(self) -> Self:
        if (self.content is None) == (self.file is None):
            raise ValueError("give either content or file")
        return self


class GivenFile(BaseModel, extra="forbid"):
    """The whole file."""

    dataset: list[GivenDataset]


def load(service: Service, path: Path) -> Iterator[str]:
    """Add what is missing, each dataset whole or not at all; a line for each that is added.

    Raises:
        Refused: the file is wrong, or names a company or person that the IdP does not know.
        Unavailable: the IdP cannot be asked.
    """
    try:
        given = GivenFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refused(f"{path}: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Refused(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    for item in given.dataset:
        if _add(service, item, path.parent):
            yield f"+ dataset {item.company}/{item.name}"


def _add(service: Service, item: GivenDataset, folder: Path) -> bool:
    company_id = service.directory.company_id(item.company)
    if company_id is None:
        raise Refused(f"there is no company {item.company!r} at {service.settings.issuer}: apply its state first")
    receivers = [(_sub(service, item, given.user), given) for given in item.share]
    data = _data(item, folder)
    with service.transaction(_as_owner(service, company_id, _sub(service, item, item.owner))) as caller:
        there = select(Dataset.id).where(Dataset.company_id == company_id, Dataset.name == item.name).limit(1)
        if caller.session.scalar(there) is not None:
            return False
        made = dataset.add(caller, company_id, name=item.name, mode=item.mode, description=item.description)
        with content.received(io.BytesIO(data)) as upload:
            content.store(caller, made, upload, item.media_type)
        for sub, given in receivers:
            share.put(caller, made, sub, given.access, given.expires_at or caller.now + share.DEFAULT_LIFE)
    return True


def _data(item: GivenDataset, folder: Path) -> bytes:
    if item.file is None:
        return (item.content or "").encode()
    try:
        return (folder / item.file).read_bytes()
    except OSError as error:
        raise Refused(f"the content of {item.name!r} cannot be read: {error}") from None


def _sub(service: Service, item: GivenDataset, user: str) -> str:
    member = service.directory.named(item.company, user)
    if member is None:
        raise Refused(f"{user!r} is no member of {item.company!r}: apply its state first")
    return member.sub


def _as_owner(service: Service, company_id: str, sub: str) -> Principal:
    """The dataset's owner, for the transaction alone; nothing judges it."""
    return Principal(
        sub=sub, client_id=service.settings.client_id, scopes=frozenset(), expires_at=0, company_id=company_id
    )
