"""Who may do what with a dataset: a pure decision in five layers, the first that fails being the reason.

`company` -> `role` -> `dataset` -> `scope` -> `authorization_details`. The last two judge a token and are left out
where somebody is judged who is not calling (explain and AuthZEN about others).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from resource_server.principal import Detail, Principal

Action = Literal["read", "modify", "share", "delete", "create"]  # "share": shares, mode and owner
Mode = Literal["company", "restricted"]
Access = Literal["read", "modify"]
Reason = Literal["company", "role", "dataset", "scope", "authorization_details"]

STEWARDS = frozenset({"data_owner", "admin"})  # share and delete every dataset of their company
WRITERS = STEWARDS | {"member"}  # create, modify; share and delete their own
READERS = WRITERS | {"viewer"}
ROLES = READERS

MAY_ACT: Mapping[Action, frozenset[str]] = {
    "read": READERS,
    "modify": WRITERS,
    "share": WRITERS,
    "delete": WRITERS,
    "create": WRITERS,
}
SCOPE: Mapping[Action, str] = {
    "read": "datasets:read",
    "modify": "datasets:modify",
    "share": "datasets:share",
    "delete": "datasets:modify",
    "create": "datasets:modify",
}


@dataclass(frozen=True)
class DatasetFacts:
    """What a decision needs to know of a dataset."""

    id: str
    company_id: str
    mode: Mode
    owner: str  # sub


@dataclass(frozen=True)
class Share:
    """What the subject was given on a dataset, and until when (None: no end)."""

    access: Access
    expires_at: datetime | None

    def live(self, now: datetime) -> bool:
        """A share is over at its second."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Who is judged, with the roles held in the dataset's company; make one with `bearer` or `person`."""

    sub: str
    roles: frozenset[str]
    scopes: frozenset[str] | None = None  # None: there is no token
    details: tuple[Detail, ...] | None = None
    location: str | None = None  # this resource server, as `locations` names it


def bearer(
    principal: Principal, company_id: str | None, *, location: str | None = None, mapping: Mapping[str, str] = {}
) -> Subject:
    """The caller, judged by token; to create, `company_id` is the token's own (None in a token for all companies).

    `mapping` takes roles that the operator added to those known here; what it does not name gives nothing.
    """
    return Subject(
        sub=principal.sub,
        roles=mapped(principal.roles_in(company_id), mapping),
        scopes=principal.scopes,
        details=principal.authorization_details,
        location=location,
    )


def person(sub: str, roles: Collection[str], *, mapping: Mapping[str, str] = {}) -> Subject:
    """Somebody who is not calling, with the roles that the IdP's directory told."""
    return Subject(sub=sub, roles=mapped(roles, mapping))


def mapped(roles: Collection[str], mapping: Mapping[str, str]) -> frozenset[str]:
    """The roles, and what the operator's own among them stand for here."""
    return frozenset(roles) | {mapping[role] for role in roles if role in mapping}


@dataclass(frozen=True)
class Layer:
    """One layer's own answer, with a sentence for people that names nobody."""

    layer: Reason
    allowed: bool
    detail: str


@dataclass(frozen=True)
class Decision:
    """All layers that were asked, in order."""

    layers: tuple[Layer, ...]

    @property
    def reason(self) -> Reason | None:
        """The first layer that fails; None if all hold."""
        return next((layer.layer for layer in self.layers if not layer.allowed), None)

    @property
    def allowed(self) -> bool:
        """Every layer holds."""
        return self.reason is None


def decide(
    subject: Subject, action: Action, dataset: DatasetFacts | None, *, share: Share | None = None, now: datetime
) -> Decision:
    """Judge one action; `dataset` is None for `create` alone, `share` the subject's own on this dataset."""
    layers = [_company(subject), _role(subject, action), _dataset(subject, action, dataset, share, now)]
    if subject.scopes is not None:
        layers += [_scope(subject.scopes, action), _details(subject, action, dataset)]
    return Decision(tuple(layers))


def narrowed_to(details: Sequence[Detail] | None, action: Action, location: str | None) -> frozenset[str] | None:
    """The dataset ids to which `authorization_details` narrow an action; None: they do not narrow it by id.

    An entry that says something we do not understand allows nothing: it may have been meant as a limit.
    """
    raise NotImplementedError
