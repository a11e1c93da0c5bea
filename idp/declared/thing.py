"""Things and the plan: what differs between what is and what is declared; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

# The defaults that are no empty value of their type, by kind; the rest are false, nothing, or an empty list or map.
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "user": {"phone_number_verified": None},
    "resource": {"access_token_typ": "at+jwt", "access_token_alg": "ES256"},
    "client": {
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
        "roles": ["member"],
        "consent": "ask",
        "require_pkce": True,
    },
}


@dataclass(frozen=True)
class Thing:
    """A company, user, resource or client, by the names of the declaration.

    Every field is present: one that was not declared has its default, so that taking a line out undoes it. `once` holds
    what counts only when the thing is made (a password) or is not compared as it stands (a secret).
    """

    kind: str
    key: str
    fields: Mapping[str, Any]
    once: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One line of a plan: make (+), change (~) or remove (-) a thing."""

    op: Literal["+", "~", "-"]
    kind: str
    key: str
    fields: tuple[str, ...]
    thing: Thing  # as declared; of a removal, as it was

    def __str__(self) -> str:
        return f"{self.op} {self.kind} {self.key}: {', '.join(self.fields)}".rstrip()

    def facts(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {"op": self.op, "kind": self.kind, "key": self.key, "fields": list(self.fields)}


def plan(wanted: Sequence[Thing], current: Mapping[str, Thing]) -> list[Change]:
    """The changes that make `current` (by key, of the same kind) what is `wanted`; things that are not wanted stay."""
    changes = []
    for thing in wanted:
        before = current.get(thing.key)
        if before is None:
            changes.append(Change("+", thing.kind, thing.key, _set(thing), thing))
        elif differing := _differing(before, thing):
            changes.append(Change("~", thing.kind, thing.key, differing, thing))
    return changes


def removals(unwanted: Mapping[str, Thing]) -> list[Change]:
    """The removal of each thing."""
    return [Change("-", thing.kind, key, _set(thing), thing) for key, thing in sorted(unwanted.items())]


def said(thing: Thing) -> dict[str, Any]:
    """The fields that differ from their defaults, in the order of the declaration."""
    defaults = DEFAULTS.get(thing.kind, {})
    return {name: value for name, value in thing.fields.items() if value != defaults.get(name, _empty(value))}


def _empty(value: object) -> object:
    return type(value)() if isinstance(value, (bool, list, dict)) else None


def _set(thing: Thing) -> tuple[str, ...]:
    return (*said(thing), *(name for name, value in thing.once.items() if value))


def _differing(before: Thing, after: Thing) -> tuple[str, ...]:
    names = dict.fromkeys([*before.fields, *after.fields])
    return tuple(name for name in names if before.fields.get(name) != after.fields.get(name))
