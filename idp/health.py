"""Health for load balancers: alive says nothing of the database, ready means that a sign-in could work now."""

import flask
from flask import Blueprint

from idp import context
from idp.db import db

blueprint = Blueprint("health", __name__, url_prefix="/health")


@blueprint.get("/live")
def live() -> flask.typing.ResponseReturnValue:
    """The process answers."""
    return {"status": "ok"}


@blueprint.get("/ready")
def ready() -> flask.typing.ResponseReturnValue:
    """The database answers within 2 s (an unreachable one is a 503 by the error handler), and keys are fresh."""
    if context.keys().stale:
        return {"status": "the signing keys could not be read for ten minutes"}, 503, {"Retry-After": "5"}
    with db.hot() as cursor:
        cursor.execute("SET statement_timeout = '2s'")
        try:
            cursor.execute("SELECT 1")
        finally:
            cursor.execute("RESET statement_timeout")
    return {"status": "ok"}
