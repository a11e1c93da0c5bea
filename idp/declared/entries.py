"""Check an entry against the model of its kind: strict types, no unknown key, and the first mistake in one line."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ValidationError

from idp.clients import metadata
from idp.declared.errors import Invalid

_ROLE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SENTENCES = {"extra_forbidden": "is no key of this table", "missing": "is required"}


class Entry(BaseModel):
    """One table of the file; the types are TOML's, nothing is converted."""

    model_config = {"frozen": True, "extra": "forbid", "strict": True, "hide_input_in_errors": True}


EntryType = TypeVar("EntryType", bound=Entry)


def checked(model: type[EntryType], entry: Mapping[str, Any], kind: str, key: str) -> EntryType:
    """The entry as its model.

    Raises:
        Invalid: of the first key that is missing, unknown or wrong.
    """
    try:
        return model.model_validate(dict(entry))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        sentence = _SENTENCES.get(first["type"], first["msg"].removeprefix("Value error, "))
        raise Invalid(sentence, kind=kind, key=key, field=".".join(map(str, first["loc"]))) from None


def key_of(entry: Mapping[str, Any], name: str, kind: str, check: Callable[[str], str]) -> str:
    """The natural key of the entry, which must be there before anything else can be said about it."""
    value = entry.get(name)
    if not isinstance(value, str):
        raise Invalid("is required, as a string", kind=kind, field=name)
    try:
        return check(value)
    except ValueError as error:
        raise Invalid(str(error), kind=kind, field=name) from None


def _roles(roles: list[str]) -> list[str]:
    if not roles or not all(_ROLE.fullmatch(role) for role in roles):
        raise ValueError("must be a list of roles such as member: small letters, digits and _, at least one")
    return sorted(set(roles))


Name = Annotated[str, AfterValidator(metadata.name)]
Roles = Annotated[list[str], AfterValidator(_roles)]
