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
    if (action == "create") != (dataset is None):
        raise ValueError("there is a dataset for every action but create")
    layers = [_company(subject), _role(subject, action), _dataset(subject, action, dataset, share, now)]
    if subject.scopes is not None:
        layers += [_scope(subject.scopes, action), _details(subject, action, dataset)]
    return Decision(tuple(layers))


def narrowed_to(details: Sequence[Detail] | None, action: Action, location: str | None) -> frozenset[str] | None:
    """The dataset ids to which `authorization_details` (RFC 9396) narrow an action; None: to none in particular.

    An empty set allows nothing: there are details, and none is about this action on a dataset here.
    """
    if details is None:
        return None
    entries = [entry for entry in details if _is_about(entry, action, location)]
    if any("identifiers" not in entry for entry in entries):
        return None
    return frozenset(identifier for entry in entries for identifier in entry["identifiers"])


def _is_about(entry: Detail, action: Action, location: str | None) -> bool:
    lists = [entry.get(name, []) for name in ("actions", "identifiers", "locations")]
    # A member that we do not understand may have been meant as a limit, so its entry allows nothing.
    understood = entry.keys() <= {"type", "actions", "identifiers", "locations"} and all(map(_is_texts, lists))
    return (
        understood
        and entry["type"] == "dataset"
        and ("actions" not in entry or action in entry["actions"])
        and ("locations" not in entry or location in entry["locations"])
    )


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _company(subject: Subject) -> Layer:
    inside = bool(subject.roles)
    return Layer("company", inside, "belongs to the company" if inside else "does not belong to the company")


def _role(subject: Subject, action: Action) -> Layer:
    acting = sorted(subject.roles & MAY_ACT[action])
    if acting:
        return Layer("role", True, f"{', '.join(acting)} may {action}")
    return Layer("role", False, f"no role that may {action}; it takes {', '.join(sorted(MAY_ACT[action]))}")


def _dataset(
    subject: Subject, action: Action, dataset: DatasetFacts | None, share: Share | None, now: datetime
) -> Layer:
    if dataset is None:
        return Layer("dataset", True, "a new dataset belongs to whoever creates it")
    # An owner holds an endless `modify` share; the role still caps it.
    if subject.sub == dataset.owner:
        return Layer("dataset", True, "owns the dataset")
    if action in ("share", "delete"):
        steward = bool(subject.roles & STEWARDS)
        return Layer("dataset", steward, "every dataset of the company" if steward else "does not own the dataset")
    if dataset.mode == "company":
        return Layer("dataset", True, "open to the whole company")
    return _share(action, share, now)


def _share(action: Action, share: Share | None, now: datetime) -> Layer:
    if share is None:
        return Layer("dataset", False, "the dataset is restricted and not shared")
    if not share.live(now):
        return Layer("dataset", False, "the share has ended")
    enough = action == "read" or share.access == "modify"
    return Layer("dataset", enough, f"shared to {share.access}")


def _scope(scopes: frozenset[str], action: Action) -> Layer:
    held = SCOPE[action] in scopes
    return Layer("scope", held, f"the token {'has' if held else 'lacks'} the scope {SCOPE[action]}")


def _details(subject: Subject, action: Action, dataset: DatasetFacts | None) -> Layer:
    ids = narrowed_to(subject.details, action, subject.location)
    if ids is None or (dataset is not None and dataset.id in ids):
        return Layer("authorization_details", True, "the token is not narrowed to other datasets or actions")
    return Layer("authorization_details", False, "the token is narrowed to other datasets or actions")
