"""Why somebody may or may not do something with a dataset: `explain`, and AuthZEN's evaluations.

About oneself everybody in the company may ask; about others: who may share the dataset, a machine client of its
company, and the service's own client everywhere.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from resource_server import Principal
from resource_server.datasets.dataset import demand, facts, find, judge, parse_id, share_facts, share_of
from resource_server.datasets.errors import Forbidden
from resource_server.datasets.models import Dataset, Share
from resource_server.datasets.service import Caller, Service, companies
from resource_server.policy import SCOPE, Action, Decision, Reason, decide, person

PATIENCE: Final = 3  # seconds in which the IdP is asked about the people of one request
_OF_TOKENS: Final = ("scope", "authorization_details")


@dataclass(frozen=True)
class Explanation:
    """A decision, and the share that the person has on the dataset, ended or not."""

    decision: Decision
    share: Share | None


@dataclass(frozen=True)
class Question:
    """May `sub` do `action` with this dataset?"""

    sub: str
    action: Action
    dataset_id: str


@dataclass(frozen=True)
class Answer:
    """Yes, or the reason for no; `refused` when the caller may not ask this."""

    decision: bool
    reason: Reason | None
    refused: Forbidden | None = None


def explain(service: Service, principal: Principal, dataset_id: str, sub: str, action: Action) -> Explanation:
    """Every layer of the decision about `sub`."""
    with service.transaction(principal) as caller:
        found = find(caller, dataset_id)
        if sub == principal.sub:
            _need_scope(principal, "read")
            return Explanation(judge(caller, action, found), found.share)
        demand(caller, "share", found)
        share = share_of(caller, found.dataset.id, sub)
    return Explanation(_about(service, found.dataset, sub, action, share), share)


def evaluate(service: Service, principal: Principal, questions: Sequence[Question]) -> list[Answer]:
    """The answers, in order; two statements for however many questions.

    Raises:
        Unavailable: also when asking the IdP about everybody takes longer than `PATIENCE`.
    """
    ids = frozenset(filter(None, (parse_id(question.dataset_id) for question in questions)))
    reach = _companies(service, principal, ids)
    with service.database.transaction(reach) as session:
        known = _Known(session, reach, ids, {question.sub for question in questions} | {principal.sub})
        caller = service.caller(session, principal)
    # The rows stay readable without their session, so that no connection waits for the IdP.
    until = service.clock() + PATIENCE
    return [_answer(service, caller, known, question, until) for question in questions]


class _Known:
    """The datasets and shares that the questions touch, of certain companies."""

    def __init__(self, session: Session, reach: Collection[str], ids: Collection[UUID], subs: Collection[str]) -> None:
        datasets = session.scalars(select(Dataset).where(Dataset.id.in_(ids), Dataset.company_id.in_(reach)))
        touched = (Share.dataset_id.in_(ids), Share.company_id.in_(reach), Share.sub.in_(subs))
        shares = session.scalars(select(Share).where(*touched))
        self.datasets = {str(dataset.id): dataset for dataset in datasets}
        self.shares = {(str(share.dataset_id), share.sub): share for share in shares}


def _answer(service: Service, caller: Caller, known: _Known, question: Question, until: float) -> Answer:
    dataset = known.datasets.get(question.dataset_id)
    if dataset is None or not (_is_own(service, caller.principal) or caller.principal.roles_in(dataset.company_id)):
        return Answer(False, "company")
    share = known.shares.get((question.dataset_id, question.sub))
    try:
        if question.sub == caller.principal.sub:
            _need_scope(caller.principal, "read")
            decision = _own(caller, dataset, question.action, share)
        else:
            own_share = known.shares.get((question.dataset_id, caller.principal.sub))
            _may_ask(caller, dataset, own_share)
            decision = _about(service, dataset, question.sub, question.action, share, until)
    except Forbidden as refused:
        return Answer(False, refused.reason, refused)
    return Answer(decision.allowed, decision.reason)


def _may_ask(caller: Caller, dataset: Dataset, own_share: Share | None) -> None:
    """Raise unless the caller may ask about other people and this dataset."""
    decision = _own(caller, dataset, "share", own_share)
    if caller.principal.is_client:
        # The company's, or the service's own: it needs no right to share, only a token that reaches this far.
        decision = Decision(tuple(layer for layer in decision.layers if layer.layer in _OF_TOKENS))
    if not decision.allowed:
        raise Forbidden.by(decision, "share")


def _own(caller: Caller, dataset: Dataset, action: Action, share: Share | None) -> Decision:
    subject = caller.subject(dataset.company_id)
    return decide(subject, action, facts(dataset), share=share_facts(share), now=caller.now)


def _about(
    service: Service, dataset: Dataset, sub: str, action: Action, share: Share | None, until: float | None = None
) -> Decision:
    """Judge somebody who is not calling by the roles that the IdP tells; who is no active member has none."""
    member = service.directory.member(dataset.company_id, sub, until=until)
    subject = person(sub, member.roles if member else (), mapping=service.settings.roles)
    return decide(subject, action, facts(dataset), share=share_facts(share), now=service.now())


def _need_scope(principal: Principal, action: Action) -> None:
    if SCOPE[action] not in principal.scopes:
        raise Forbidden("scope", SCOPE[action])


def _is_own(service: Service, principal: Principal) -> bool:
    return principal.is_client and principal.client_id == service.settings.client_id


def _companies(service: Service, principal: Principal, ids: Iterable[UUID]) -> frozenset[str]:
    return service.database.companies_of(ids) if _is_own(service, principal) else companies(principal)
