"""Read a declaration: TOML, in whose strings `${NAME}` stands for a value from outside.

Replaced are strings that were parsed already, so that no value can add a key or a table. `$${` is a plain `${`.
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from idp.declared.errors import Invalid

KINDS = ("company", "user", "resource", "client")  # in the order in which they need each other

_REFERENCE = re.compile(r"\$(?P<escape>\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<broken>\$\{)")


def read(text: str, values: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    """The entries by kind, every kind present.

    Args:
        text: the TOML document.
        values: what `${NAME}` stands for.

    Raises:
        Invalid: no TOML, an unknown table, or a name without a value.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"this is not TOML: {error}") from None
    if unknown := sorted(document.keys() - set(KINDS)):
        raise Invalid(f"[[{unknown[0]}]] is no table of a declaration; there are {', '.join(KINDS)}")
    return {kind: [_filled(entry, values, kind) for entry in _entries(document, kind)] for kind in KINDS}


def escaped(text: str) -> str:
    """The text as a declaration must write it to mean itself."""
    return text.replace("${", "$${")


def _entries(document: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    entries = document.get(kind, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Invalid(f"write each entry under a [[{kind}]] header of its own", kind=kind)
    return entries


def _filled(value: Any, values: Mapping[str, str], kind: str, field: str = "") -> Any:  # noqa: ANN401 - any TOML value
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: _replacement(found, values, kind, field), value)
    if isinstance(value, list):
        return [_filled(each, values, kind, field) for each in value]
    if isinstance(value, dict):
        return {
            _filled(name, values, kind, field): _filled(each, values, kind, f"{field}.{name}".lstrip("."))
            for name, each in value.items()
        }
    return value


def _replacement(found: re.Match[str], values: Mapping[str, str], kind: str, field: str) -> str:
    if found["escape"]:
        return "${"
    if found["broken"]:
        raise Invalid("${ begins a name such as ${PORTAL_URL}; write $${ for the characters", kind=kind, field=field)
    if found["name"] not in values:
        name = found["name"]
        raise Invalid(f"${{{name}}} has no value: give --set {name}=… or set the variable", kind=kind, field=field)
    return values[found["name"]]
