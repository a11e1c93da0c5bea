"""`/health/live` and `/health/ready`."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from resource_server.datasets.service import current_service

blueprint = Blueprint("health", __name__, url_prefix="/health")


@blueprint.get("/live")
def live() -> ResponseReturnValue:
    """The process answers."""
    return jsonify(status="ok"), {"Cache-Control": "no-store"}


@blueprint.get("/ready")
def ready() -> ResponseReturnValue:
    """The database answers too; otherwise 503, like everything else then."""
    current_service().database.ping()
    return jsonify(status="ok"), {"Cache-Control": "no-store"}
