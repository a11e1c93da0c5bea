"""The list of datasets, and a new one."""

from typing import cast

from flask import Blueprint
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from resource_server.datasets import dataset, visible
from resource_server.datasets.errors import Forbidden, NotFound
from resource_server.datasets.portal import form, pages, people
from resource_server.datasets.portal.guard import person
from resource_server.datasets.portal.portal import current_portal
from resource_server.policy import Decision, Mode, bearer, decide

blueprint = Blueprint("listing", __name__)

PAGE = 25
SHOWN = ("", "mine", "company", "restricted")
SORTS = ("name", "-name", "-created_at", "created_at")


@blueprint.get("/")
def datasets() -> ResponseReturnValue:
    """What the person may read, a page at a time."""
    service, who = current_portal().service, person().principal
    query = _query()
    found = visible.page(service, who, query)
    company_id = who.company_id or ""
    names = people.named(service.directory, company_id, (item.owner for item in found.items))
    following = found.next and service.cursors.write(found.next, who.sub)
    return pages.page("datasets", found=found, following=following, names=names, may_create=_creation().allowed)


@blueprint.get("/new")
def blank() -> ResponseReturnValue:
    """An empty form."""
    if not (decision := _creation()).allowed:
        raise Forbidden.by(decision, "create")
    return pages.page("new", form=form.Form({"mode": "company"}))


@blueprint.post("/new")
def create() -> ResponseReturnValue:
    """A new dataset that the person owns; its file comes next."""
    given = form.new_dataset()
    if not given.good:
        return pages.page("new", 400, form=given)
    made = dataset.create(current_portal().service, person().principal, **given.values)
    return pages.done(
        "portal.dataset.show", f"{made.name} is ready.", "It is empty: add its file below.", dataset_id=str(made.id)
    )


@blueprint.get("/<path:rest>")
def nothing(rest: str) -> ResponseReturnValue:
    """Every other address below the portal's: a page too."""
    raise NotFound(rest)


def _query() -> visible.Query:
    shown = form.asked("show", choices=SHOWN)
    sort = cast("visible.Sort", form.asked("sort", "name", choices=SORTS))
    words, cursor = form.asked("q").strip(), form.asked("cursor")
    if len(words) > 200:
        raise BadRequest
    sub = person().principal.sub
    return visible.Query(
        limit=PAGE,
        after=current_portal().service.cursors.read(cursor, sub, sort) if cursor else None,
        q=words,
        owner=sub if shown == "mine" else None,
        mode=cast("Mode", shown) if shown in ("company", "restricted") else None,
        sort=sort,
    )


def _creation() -> Decision:
    service, who = current_portal().service, person().principal
    subject = bearer(who, who.company_id, location=service.settings.resource, mapping=service.settings.roles)
    return decide(subject, "create", None, now=service.now())
