from types import SimpleNamespace

import pytest

from idp.db import db
from idp.declared import state


@pytest.fixture
def declare(app):
    """Apply a declaration; returns its lines, and the secrets that were made."""

    def apply(text, *, plan=False, prune=False, **values):
        with app.app_context():
            try:
                applied = state.apply(text, {"PASSWORD": "correct horse"} | values, plan=plan, prune=prune)
            finally:
                db.session.remove()
        return SimpleNamespace(lines=[str(change) for change in applied.changes], secrets=applied.secrets)

    return apply


@pytest.fixture
def exported(app):
    def export():
        with app.app_context():
            return "".join(state.export())

    return export


@pytest.fixture
def rows(world):
    """A table's rows, sorted, to be compared before and after."""
    return lambda table: sorted(map(str, world.execute(f"SELECT t FROM {table} t")))
