"""`/datasets/<id>/explain`: may somebody do something, and why."""

from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from resource_server.datasets import dataset, explanation
from resource_server.datasets.api.incoming import choice, subject
from resource_server.datasets.api.outgoing import share_json
from resource_server.datasets.service import current_service
from resource_server.guard import current_principal

blueprint = Blueprint("explain", __name__)


@blueprint.get("/datasets/<dataset_id>/explain")
def explain(dataset_id: str) -> ResponseReturnValue:
    """Each layer of the decision, and the share; `sub` is the caller where it is absent."""
    service, who = current_service(), current_principal()
    dataset.known(service, who, dataset_id)
    action: Any = choice("action", "read", "modify", "share", "delete")
    if action is None:
        raise BadRequest("action is missing")
    found = explanation.explain(service, who, dataset_id, subject("sub") or who.sub, action)
    return jsonify(
        allowed=found.decision.allowed,
        reason=found.decision.reason,
        layers=[
            {"layer": layer.layer, "allowed": layer.allowed, "detail": layer.detail} for layer in found.decision.layers
        ],
        share=found.share and share_json(found.share),
    )
