"""Write a state as TOML 1.0: one table a thing, nested values inline; the library only reads."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from idp.declared.document import escaped
from idp.declared.thing import Thing, said

_KEYS = {"company": "slug", "user": "username", "resource": "uri", "client": "client_id"}
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def document(things: Iterable[Thing]) -> Iterator[str]:
    """The things as a declaration that changes nothing when it is applied: a table each."""
    between = ""
    for thing in things:
        yield between + _table(thing)
        between = "\n"


def _table(thing: Thing) -> str:
    lines = [f"[[{thing.kind}]]", f"{_KEYS[thing.kind]} = {_value(thing.key)}"]
    entries = {name: value for name, value in (said(thing) | dict(thing.once)).items() if value is not None}
    lines += [f"{_name(name)} = {_value(value)}" for name, value in entries.items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:  # noqa: ANN401 - any TOML value
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        members = (f"{_name(name)} = {_value(each)}" for name, each in value.items() if each is not None)
        return f"{{ {', '.join(members)} }}" if value else "{}"
    return str(value)


def _name(name: str) -> str:
    return name if _BARE.fullmatch(name) else _string(name)


def _string(text: str) -> str:
    # A JSON string is a TOML basic string, but for DEL, which TOML wants escaped.
    return json.dumps(escaped(text), ensure_ascii=False).replace("\x7f", "\\u007F")
