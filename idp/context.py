"""What one application was built with: settings, keys and clock, reached from anywhere inside a request.

Passed into `create_app()` and kept on the application, so that two applications in one process share nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from flask import current_app

from idp.settings import Settings
from keys import KeySet


def _utcnow() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Context:
    """The parts that `create_app()` was given."""

    settings: Settings
    keys: KeySet
    now: Callable[[], datetime] = _utcnow


def _context() -> Context:
    return cast("Context", current_app.extensions["idp"])


def settings() -> Settings:
    """The settings of this application."""
    return _context().settings


def keys() -> KeySet:
    """The key set of this application."""
    return _context().keys


def now() -> datetime:
    """The time, in UTC; tests set it."""
    return _context().now()
