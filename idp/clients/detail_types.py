"""Types of authorization details (RFC 9396 §2.1): JSON schemas (draft 2020-12) that resource servers declare.

A schema says what an entry may say, and how people are told: `title` and `description` of the type, of each member, and
of a value (`{"oneOf": [{"const": "read", "title": "Read"}]}`), each also in other languages as `title#nb`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry

from idp.clients.languages import localized

Schema = Mapping[str, Any]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
# What would look beyond the schema, or make a reference mean something else than it says.
_REFUSED = ("$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$vocabulary")
_SAID_ELSEWHERE = ("type", "locations")


def _unique(_validator: object, wanted: object, value: object, _schema: object) -> Iterator[ValidationError]:
    """`uniqueItems` in one pass: the library's compares each item with each, which strangers could make slow."""
    if wanted and isinstance(value, list) and len({json.dumps(each, sort_keys=True) for each in value}) < len(value):
        yield ValidationError("has an item twice")


_Validator = extend(Draft202012Validator, {"uniqueItems": _unique})


@dataclass(frozen=True)
class Line:
    """A member of an entry as people read it."""

    name: str
    values: tuple[str, ...]


def check(schema: Schema) -> None:
    """Refuse a schema that could not be used later on.

    Raises:
        ValueError: it is no schema of the draft, or refers to something outside of itself, or back to itself.
    """
    if schema.get("$schema", _DRAFT) != _DRAFT:
        raise ValueError(f"$schema must be {_DRAFT}, or absent")
    try:
        Draft202012Validator.check_schema(schema)
        _follow(schema, schema, ())
    except SchemaError as error:
        raise ValueError(f"is no JSON schema: {error.json_path} breaks {error.validator}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def _follow(node: object, root: Schema, within: tuple[str, ...]) -> None:
    """Walk through the schema and every reference; a circle would never end on some entry."""
    if isinstance(node, list):
        for each in node:
            _follow(each, root, within)
    if not isinstance(node, Mapping):
        return
    if refused := next((name for name in _REFUSED if name in node), None):
        raise ValueError(f"must not use {refused}")
    if "$ref" in node:
        target = str(node["$ref"])
        if target in within:
            raise ValueError("has a $ref that leads back to itself")
        _follow(_at(target, root), root, (*within, target))
    for each in node.values():
        _follow(each, root, within)


def _at(reference: str, root: Schema) -> object:
    """What a reference such as `#/$defs/day` names (RFC 6901)."""
    path = reference.split("/")
    found: object = root
    for step in path[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    if path[0] != "#" or not isinstance(found, Mapping):
        raise ValueError("has a $ref that names no part of itself: write it like #/$defs/name")
    return found


def mismatch(schema: Schema, entry: Mapping[str, Any]) -> str | None:
    """What is wrong with an entry, for its developer: a keyword of the schema; None if it matches.

    A member that the schema does not know is wrong (RFC 9396 §5), unless `additionalProperties` allows it.
    """
    known = {"type": {}, **schema.get("properties", {})}
    closed = {"unevaluatedProperties": False, **schema, "properties": known}
    # The registry is empty: nothing is ever fetched.
    error = next(_Validator(closed, registry=Registry()).iter_errors(entry), None)
    if error is None:
        return None
    member = str(error.path[0]) if error.path else ""
    return f"{member}: {error.validator}" if member in known else str(error.validator)


def title(schema: Schema, name: str, languages: Sequence[str]) -> str:
    """What an entry of this type is called."""
    return localized(schema, "title", languages) or name


def lines(schema: Schema, entry: Mapping[str, Any], languages: Sequence[str]) -> Iterator[Line]:
    """The members of an entry in words, in the order of the schema; without its type and locations."""
    known = schema.get("properties", {})
    order = [*(name for name in known if name in entry), *(name for name in entry if name not in known)]
    for name in order:
        if name not in _SAID_ELSEWHERE:
            part = _resolved(known.get(name), schema)
            yield Line(title(part, name, languages), tuple(_words(entry[name], part, schema, languages)))


def _words(value: object, part: Schema, root: Schema, languages: Sequence[str]) -> Iterator[str]:
    if isinstance(value, list):
        items = _resolved(part.get("items"), root)
        for each in value:
            yield from _words(each, items, root, languages)
    elif isinstance(value, dict):
        known = part.get("properties", {})
        for name, each in value.items():
            inner = _resolved(known.get(name), root)
            yield f"{title(inner, name, languages)}: {', '.join(_words(each, inner, root, languages))}"
    else:
        yield _named(value, part, languages) or (value if isinstance(value, str) else json.dumps(value))


def _named(value: object, part: Schema, languages: Sequence[str]) -> str | None:
    """The words for a value that the schema lists."""
    listed = [each for each in (*part.get("oneOf", ()), *part.get("anyOf", ())) if isinstance(each, Mapping)]
    return next((localized(each, "title", languages) for each in listed if each.get("const") == value), None)


def _resolved(part: object, root: Schema) -> Schema:
    """The part of a schema itself, or what it refers to; nothing where it says only true or false."""
    while isinstance(part, Mapping) and "$ref" in part:
        part = _at(str(part["$ref"]), root)
    return part if isinstance(part, Mapping) else {}
