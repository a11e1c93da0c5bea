"""`/datasets/<id>/shares` and `/datasets/<id>/shares/<sub>`."""

from datetime import datetime
from typing import Annotated, Literal

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from pydantic import AfterValidator
from werkzeug.exceptions import BadRequest

from resource_server.datasets import dataset, share
from resource_server.datasets.api.incoming import Body, after, body, limit, moment
from resource_server.datasets.api.outgoing import share_json
from resource_server.datasets.cursor import Position
from resource_server.datasets.service import current_service
from resource_server.guard import current_principal

blueprint = Blueprint("shares", __name__)


def _moment(value: str) -> str:
    moment(value)
    return value


class NewShare(Body):
    """The body of PUT; without `expires_at` the share holds for 90 days, with null it has no end."""

    access: Literal["read", "modify"]
    expires_at: Annotated[str, AfterValidator(_moment)] | None = None

    def end(self, now: datetime) -> datetime | None:
        """The first moment at which the share holds no more."""
        if "expires_at" not in self.model_fields_set:
            return now + share.DEFAULT_LIFE
        end = None if self.expires_at is None else moment(self.expires_at)
        if end is not None and end <= now:
            raise BadRequest("expires_at: must lie in the future")
        return end


@blueprint.get("/datasets/<dataset_id>/shares")
def listing(dataset_id: str) -> ResponseReturnValue:
    """All shares, for who may share the dataset."""
    service, who, most = current_service(), current_principal(), limit()
    # The order is the dataset's own, so that no cursor leads into another one.
    order = f"sub:{dataset_id}"
    position = after(order)
    start = "" if position is None else str(position.value)
    found = share.page(service, who, dataset_id, after=start, limit=most + 1)
    last = found[:most][-1] if len(found) > most else None
    following = last and service.cursors.write(Position(order, last.sub, last.dataset_id), who.sub)
    return jsonify(items=[share_json(item) for item in found[:most]], next=following)


@blueprint.put("/datasets/<dataset_id>/shares/<sub>")
def give(dataset_id: str, sub: str) -> ResponseReturnValue:
    """Give a member a share in the place of the one they had."""
    service, who = current_service(), current_principal()
    # Before the body is looked at: a bad one must not tell a foreign id from none.
    dataset.known(service, who, dataset_id)
    wanted = body(NewShare)
    given = share.give(service, who, dataset_id, sub, access=wanted.access, expires_at=wanted.end(service.now()))
    return jsonify(share_json(given))


@blueprint.delete("/datasets/<dataset_id>/shares/<sub>")
def remove(dataset_id: str, sub: str) -> ResponseReturnValue:
    """Take a share away; there may be none."""
    share.remove(current_service(), current_principal(), dataset_id, sub)
    return Response(status=204)
