"""Lists: the policy's rule for reading as one SQL predicate, so that PostgreSQL leaves out what may not be read.

`tests/resource_server/datasets/test_visible.py` holds the predicate equal to `policy.decide` on random worlds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, exists, or_, select, tuple_

from resource_server import Principal
from resource_server.datasets.cursor import Position
from resource_server.datasets.dataset import parse_id
from resource_server.datasets.errors import Forbidden
from resource_server.datasets.models import Dataset, Share
from resource_server.datasets.service import Caller, Service, companies
from resource_server.policy import MAY_ACT, SCOPE, Mode, narrowed_to

Sort = Literal["name", "-name", "created_at", "-created_at"]


@dataclass(frozen=True, kw_only=True)
class Query:
    """What a list is asked for."""

    limit: int = 50
    after: Position | None = None
    q: str = ""  # a part of name or description, in any case
    owner: str | None = None  # `sub`
    mode: Mode | None = None
    sort: Sort = "name"


@dataclass(frozen=True)
class Page:
    """One page, and where the next one begins."""

    items: Sequence[Dataset]
    next: Position | None


def page(service: Service, principal: Principal, query: Query) -> Page:
    """The datasets that the caller may read, in the order and from the position asked for."""
    if SCOPE["read"] not in principal.scopes:
        raise Forbidden("scope", SCOPE["read"])
    with service.transaction(principal) as caller:
        column = Dataset.created_at if query.sort.endswith("created_at") else Dataset.name
        order = [column.desc(), Dataset.id.desc()] if query.sort.startswith("-") else [column, Dataset.id]
        chosen = select(Dataset).where(readable(caller), *_filters(query))
        # One more than asked for tells whether there is a next page.
        rows = caller.session.scalars(chosen.order_by(*order).limit(query.limit + 1)).all()
    items = rows[: query.limit]
    return Page(items, _position(query.sort, items[-1]) if len(rows) > query.limit else None)


def readable(caller: Caller) -> ColumnElement[bool]:
    """True of the datasets for which `policy.decide` allows the caller to read, but for the scope."""
    mine = [company for company in companies(caller.principal) if caller.subject(company).roles & MAY_ACT["read"]]
    live = or_(Share.expires_at.is_(None), Share.expires_at > caller.now)
    shared = exists().where(Share.dataset_id == Dataset.id, Share.sub == caller.principal.sub, live)
    dataset = or_(Dataset.mode == "company", Dataset.owner == caller.principal.sub, shared)
    return Dataset.company_id.in_(mine) & dataset & _narrowed(caller)


def _narrowed(caller: Caller) -> ColumnElement[bool]:
    """What `authorization_details` leave of it (RFC 9396)."""
    ids = narrowed_to(caller.principal.authorization_details, "read", caller.location)
    return Dataset.id.is_not(None) if ids is None else Dataset.id.in_(filter(None, map(parse_id, ids)))


def _filters(query: Query) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if query.q:
        found.append(
            Dataset.name.icontains(query.q, autoescape=True) | Dataset.description.icontains(query.q, autoescape=True)
        )
    if query.owner is not None:
        found.append(Dataset.owner == query.owner)
    if query.mode is not None:
        found.append(Dataset.mode == query.mode)
    if query.after is not None:
        found.append(_beyond(query.sort, query.after))
    return found


def _beyond(sort: Sort, position: Position) -> ColumnElement[bool]:
    column = Dataset.created_at if sort.endswith("created_at") else Dataset.name
    here, there = tuple_(column, Dataset.id), tuple_(position.value, position.id)
    return here < there if sort.startswith("-") else here > there


def _position(sort: Sort, dataset: Dataset) -> Position:
    return Position(sort, dataset.created_at if sort.endswith("created_at") else dataset.name, dataset.id)
