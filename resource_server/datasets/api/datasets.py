"""`/datasets` and `/datasets/<id>`."""

from typing import Any, Literal, Self, cast

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from pydantic import model_validator
from werkzeug.exceptions import BadRequest

from resource_server.datasets import dataset, visible
from resource_server.datasets.api.incoming import Body, Subject, after, body, choice, limit, parameter, subject
from resource_server.datasets.api.outgoing import dataset_json
from resource_server.datasets.names import Description, Name
from resource_server.datasets.service import current_service
from resource_server.guard import current_principal

blueprint = Blueprint("datasets", __name__)


class NewDataset(Body):
    """The body of POST."""

    name: Name
    mode: Literal["company", "restricted"] = "company"
    description: Description = ""


class ChangedDataset(Body):
    """The body of PUT: what is absent stays as it is; something must be there."""

    name: Name = ""
    mode: Literal["company", "restricted"] = "company"
    description: Description = ""
    owner: Subject = ""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("names nothing to change")
        return self


@blueprint.get("/datasets")
def listing() -> ResponseReturnValue:
    """What the caller may read."""
    service, who = current_service(), current_principal()
    page = visible.page(service, who, _query())
    following = page.next and service.cursors.write(page.next, who.sub)
    return jsonify(items=[dataset_json(item) for item in page.items], next=following)


@blueprint.post("/datasets")
def create() -> ResponseReturnValue:
    """A new dataset in the active company."""
    service, who, wanted = current_service(), current_principal(), body(NewDataset)
    made = dataset.create(service, who, **wanted.model_dump())
    return jsonify(dataset_json(made)), 201, {"Location": f"{service.settings.public_url}/datasets/{made.id}"}


@blueprint.get("/datasets/<dataset_id>")
def read(dataset_id: str) -> ResponseReturnValue:
    """One dataset."""
    return jsonify(dataset_json(dataset.read(current_service(), current_principal(), dataset_id)))


@blueprint.put("/datasets/<dataset_id>")
def change(dataset_id: str) -> ResponseReturnValue:
    """Change some of name, description, mode, owner; whoever may not read the dataset is told only that it is done."""
    service, who = current_service(), current_principal()
    # Before the body is looked at: a bad one must not tell a foreign id from none.
    dataset.known(service, who, dataset_id)
    changes = cast("dataset.Changes", body(ChangedDataset).model_dump(exclude_unset=True))
    changed = dataset.change(service, who, dataset_id, changes)
    return Response(status=204) if changed is None else jsonify(dataset_json(changed))


@blueprint.delete("/datasets/<dataset_id>")
def delete(dataset_id: str) -> ResponseReturnValue:
    """Remove it with its content and shares."""
    dataset.delete(current_service(), current_principal(), dataset_id)
    return Response(status=204)


def _query() -> visible.Query:
    sort: Any = choice("sort", "name", "-name", "created_at", "-created_at") or "name"
    mode: Any = choice("mode", "company", "restricted")
    return visible.Query(limit=limit(), after=after(sort), q=_q(), owner=subject("owner"), mode=mode, sort=sort)


def _q() -> str:
    given = parameter("q") or ""
    if len(given) > 200:
        raise BadRequest("q may have at most 200 characters")
    return given
