"""Datasets: find, create, change, delete. Every function decides first, by `resource_server.policy`."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, cast
from uuid import UUID, uuid4

from sqlalchemy import Select, select

from resource_server import Principal
from resource_server.datasets.errors import Forbidden, NotFound
from resource_server.datasets.models import Dataset, Event, Share
from resource_server.datasets.service import Caller, Service, companies
from resource_server.policy import Access, Action, DatasetFacts, Decision, Mode, decide
from resource_server.policy import Share as ShareFacts


class Changes(TypedDict, total=False):
    """What may be changed of a dataset, at least one of them; absent means unchanged."""

    name: str
    description: str
    mode: Mode
    owner: str  # `sub`


@dataclass(frozen=True)
class Found:
    """A dataset of one of the caller's companies, and the caller's own share on it, live or not."""

    dataset: Dataset
    share: Share | None


def read(service: Service, principal: Principal, dataset_id: str) -> Dataset:
    """The dataset, if the caller may read it."""
    with service.transaction(principal) as caller:
        return require(caller, "read", dataset_id).dataset


def known(service: Service, principal: Principal, dataset_id: str) -> Dataset:
    """The dataset, whatever the caller may do with it: only its company has been looked at."""
    with service.transaction(principal) as caller:
        return find(caller, dataset_id).dataset


def create(
    service: Service, principal: Principal, *, name: str, mode: Mode = "company", description: str = ""
) -> Dataset:
    """A new, empty dataset of the active company; the caller owns it."""
    with service.transaction(principal) as caller:
        company_id = principal.company_id
        decision = decide(caller.subject(company_id), "create", None, now=caller.now)
        if not decision.allowed or company_id is None:
            raise Forbidden.by(decision, "create")
        return add(caller, company_id, name=name, mode=mode, description=description)


def add(caller: Caller, company_id: str, *, name: str, mode: Mode, description: str) -> Dataset:
    """The row of a new dataset that the caller owns; judges nothing."""
    dataset = Dataset(
        id=uuid4(),
        company_id=company_id,
        name=name,
        description=description,
        mode=mode,
        owner=caller.principal.sub,
        media_type="application/octet-stream",
        size=0,
        digest=hashlib.sha256().digest(),
        created_at=caller.now,
        updated_at=caller.now,
    )
    caller.session.add(dataset)
    record(caller, dataset, "dataset.created", {"mode": mode})
    caller.session.flush()
    return dataset


def change(service: Service, principal: Principal, dataset_id: str, changes: Changes) -> Dataset | None:
    """Set what `changes` names: name and description as who may modify, mode and owner as who may share.

    The dataset as it is then; None where the caller might read it neither before nor now: no right contains that one.

    Raises:
        NotFound: also when the new owner is no active member of the company.
    """
    with service.transaction(principal) as caller:
        found = find(caller, dataset_id)
        _demand_all(caller, found, changes)
    # Between two transactions, so that no connection waits for the IdP.
    if "owner" in changes and service.directory.member(found.dataset.company_id, changes["owner"]) is None:
        raise NotFound
    with service.transaction(principal) as caller:
        found = find(caller, dataset_id, lock=True)
        _demand_all(caller, found, changes)
        readable = judge(caller, "read", found).allowed
        changed = _apply(caller, found.dataset, changes)
        return changed if readable or judge(caller, "read", found).allowed else None


def delete(service: Service, principal: Principal, dataset_id: str) -> None:
    """Remove the dataset with its content and shares."""
    with service.transaction(principal) as caller:
        dataset = require(caller, "delete", dataset_id, lock=True).dataset
        record(caller, dataset, "dataset.deleted", {"owner": dataset.owner})
        caller.session.flush()
        caller.session.delete(dataset)


def require(caller: Caller, action: Action, dataset_id: str, *, lock: bool = False) -> Found:
    """The dataset, if the caller may do `action` with it."""
    found = find(caller, dataset_id, lock=lock)
    demand(caller, action, found)
    return found


def find(caller: Caller, dataset_id: str, *, lock: bool = False) -> Found:
    """A dataset of the caller's companies, whatever the caller may do with it; with `lock` nobody else changes it.

    Raises:
        NotFound: it does not exist, or belongs to a company in which the token has no role.
    """
    identifier = parse_id(dataset_id)
    if identifier is None:
        raise NotFound
    chosen = select(Dataset).where(Dataset.id == identifier, Dataset.company_id.in_(companies(caller.principal)))
    if lock:
        # The share in a second statement: it must be what is committed once the lock is ours, not what was before.
        dataset = caller.session.scalar(chosen.with_for_update())
        found = dataset and Found(dataset, share_of(caller, identifier, caller.principal.sub))
    else:
        row = caller.session.execute(_with_share(chosen, caller.principal.sub)).one_or_none()
        found = row and Found(*row)
    if not found or not caller.subject(found.dataset.company_id).roles:
        raise NotFound
    return found


def judge(caller: Caller, action: Action, found: Found) -> Decision:
    """What the policy says about the caller's own `action`."""
    subject = caller.subject(found.dataset.company_id)
    return decide(subject, action, facts(found.dataset), share=share_facts(found.share), now=caller.now)


def demand(caller: Caller, action: Action, found: Found) -> None:
    """Raise what the policy has against the caller's `action`."""
    decision = judge(caller, action, found)
    if decision.reason == "company":
        raise NotFound
    if not decision.allowed:
        raise Forbidden.by(decision, action)


def parse_id(text: str) -> UUID | None:
    """A dataset's id from its one spelling; any other spelling is no dataset's."""
    try:
        identifier = UUID(text)
    except ValueError:
        return None
    return identifier if str(identifier) == text else None


def facts(dataset: Dataset) -> DatasetFacts:
    """What the policy needs to know of it."""
    return DatasetFacts(str(dataset.id), dataset.company_id, cast("Mode", dataset.mode), dataset.owner)


def share_facts(share: Share | None) -> ShareFacts | None:
    """What the policy needs to know of a share."""
    return None if share is None else ShareFacts(cast("Access", share.access), share.expires_at)


def share_of(caller: Caller, dataset_id: UUID, sub: str) -> Share | None:
    """Somebody's share on a dataset of the caller's companies, live or not."""
    mine = companies(caller.principal)
    chosen = select(Share).where(Share.dataset_id == dataset_id, Share.sub == sub, Share.company_id.in_(mine))
    return caller.session.scalar(chosen)


def record(caller: Caller, dataset: Dataset, kind: str, facts: Mapping[str, Any]) -> None:
    """Write down who changed what others may do, in the same transaction."""
    caller.session.add(
        Event(
            at=caller.now,
            company_id=dataset.company_id,
            dataset_id=dataset.id,
            actor=caller.principal.sub,
            client_id=caller.principal.client_id,
            kind=kind,
            facts=dict(facts),
        )
    )


def _with_share(chosen: Select[Dataset], sub: str) -> Select[Dataset, Share]:
    mine = (Share.dataset_id == Dataset.id) & (Share.sub == sub)
    return chosen.outerjoin(Share, mine).add_columns(Share)


def _demand_all(caller: Caller, found: Found, changes: Changes) -> None:
    if changes.keys() & {"name", "description"}:
        demand(caller, "modify", found)
    if changes.keys() & {"mode", "owner"}:
        demand(caller, "share", found)


def _apply(caller: Caller, dataset: Dataset, changes: Changes) -> Dataset:
    for field in ("mode", "owner"):
        before, after = getattr(dataset, field), changes.get(field, getattr(dataset, field))
        if before != after:
            record(caller, dataset, f"{field}.changed", {"from": before, "to": after})
    for field, value in changes.items():
        setattr(dataset, field, value)
    dataset.updated_at = caller.now
    return dataset
