"""Shares: what one person may do with one dataset, until when."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from resource_server import Principal
from resource_server.datasets.dataset import record, require, share_of
from resource_server.datasets.errors import NotFound
from resource_server.datasets.models import Dataset, Share
from resource_server.datasets.service import Caller, Service
from resource_server.policy import Access

DEFAULT_LIFE: Final = timedelta(days=90)


def listed(service: Service, principal: Principal, dataset_id: str) -> list[Share]:
    """All shares of the dataset, ended ones too, by `sub`; for who may share it."""
    return page(service, principal, dataset_id)


def page(
    service: Service, principal: Principal, dataset_id: str, *, after: str = "", limit: int | None = None
) -> list[Share]:
    """The next `limit` of them whose `sub` comes after the one given."""
    with service.transaction(principal) as caller:
        dataset = require(caller, "share", dataset_id).dataset
        chosen = select(Share).where(Share.dataset_id == dataset.id, Share.company_id == dataset.company_id)
        return list(caller.session.scalars(chosen.where(Share.sub > after).order_by(Share.sub).limit(limit)))


def give(
    service: Service, principal: Principal, dataset_id: str, sub: str, *, access: Access, expires_at: datetime | None
) -> Share:
    """Give a member of the dataset's company a share; what they had before is replaced.

    `expires_at` is the first moment at which it holds no more, in the future; None: it has no end.

    Raises:
        NotFound: also when `sub` is no active member and no client of that company.
    """
    with service.transaction(principal) as caller:
        company_id = require(caller, "share", dataset_id).dataset.company_id
    # Between two transactions, so that no connection waits for the IdP.
    if service.directory.member(company_id, sub) is None:
        raise NotFound
    with service.transaction(principal) as caller:
        dataset = require(caller, "share", dataset_id, lock=True).dataset
        return put(caller, dataset, sub, access, expires_at)


def put(caller: Caller, dataset: Dataset, sub: str, access: Access, expires_at: datetime | None) -> Share:
    """The row of a share, in the place of an earlier one; judges nothing."""
    share = Share(
        dataset_id=dataset.id,
        sub=sub,
        company_id=dataset.company_id,
        access=access,
        expires_at=expires_at,
        given_by=caller.principal.sub,
        created_at=caller.now,
    )
    end = expires_at and expires_at.isoformat()
    record(caller, dataset, "share.given", {"sub": sub, "access": access, "expires_at": end})
    return caller.session.merge(share)


def remove(service: Service, principal: Principal, dataset_id: str, sub: str) -> None:
    """Take a share away, from the next request on; nothing happens where there is none."""
    with service.transaction(principal) as caller:
        dataset = require(caller, "share", dataset_id, lock=True).dataset
        share = share_of(caller, dataset.id, sub)
        if share is not None:
            caller.session.delete(share)
            record(caller, dataset, "share.removed", {"sub": sub, "access": share.access})
