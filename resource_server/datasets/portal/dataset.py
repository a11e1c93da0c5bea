"""One dataset: who has access and why, and what may be changed about it."""

from dataclasses import dataclass

from flask import Blueprint
from flask.typing import ResponseReturnValue

from resource_server.datasets import dataset as datasets
from resource_server.datasets import explanation, share
from resource_server.datasets.directory import Member
from resource_server.datasets.models import Dataset, Share
from resource_server.datasets.portal import form, pages, people, preview
from resource_server.datasets.portal.form import Form
from resource_server.datasets.portal.guard import person
from resource_server.datasets.portal.portal import current_portal
from resource_server.policy import SCOPE, Action, Mode

blueprint = Blueprint("dataset", __name__, url_prefix="/datasets/<dataset_id>")

ACTIONS: tuple[Action, ...] = ("read", "modify", "share", "delete")
PEOPLE = 50  # shares on a page


@dataclass(frozen=True)
class Opened:
    """A dataset that the person may read, and what else they may do with it."""

    dataset: Dataset
    own_share: Share | None
    may: frozenset[Action]


def opened(dataset_id: str, action: Action = "read") -> Opened:
    """The dataset, if the person may do `action` with it; raises what the policy has against it."""
    with current_portal().service.transaction(person().principal) as caller:
        found = datasets.require(caller, action, dataset_id)
        may = frozenset(each for each in ACTIONS if datasets.judge(caller, each, found).allowed)
    return Opened(found.dataset, found.share, may)


def steward(dataset_id: str) -> Member | None:
    """The person, if they may give themselves access to a dataset that they cannot read."""
    service, who = current_portal().service, person().principal
    with service.transaction(who) as caller:
        found = datasets.find(caller, dataset_id)
        allowed = datasets.judge(caller, "share", found).allowed
    return service.directory.member(found.dataset.company_id, who.sub) if allowed else None


def shown(one: Opened, status: int = 200, sharing: Form | None = None, file_error: str = "") -> ResponseReturnValue:
    """The dataset's page; `sharing` is a share form that came back with mistakes."""
    service, who, company_id = current_portal().service, person().principal, one.dataset.company_id
    shares: list[Share] = []
    members: list[Member] = []
    if "share" in one.may:
        after = form.asked("after")
        shares = share.page(service, who, str(one.dataset.id), after=after, limit=PEOPLE + 1)
        members = people.colleagues(service.directory, company_id)
    own = [one.own_share] if one.own_share else []
    subs = {one.dataset.owner, *(each.sub for each in shares), *(each.given_by for each in [*shares, *own])}
    return pages.page(
        "dataset",
        status,
        one=one,
        shares=shares[:PEOPLE],
        more=len(shares) > PEOPLE,
        names=people.named(service.directory, company_id, subs, members),
        members=members,
        form=sharing if sharing is not None else Form(),
        file_error=file_error,
        usual_end=(service.now() + share.DEFAULT_LIFE).date(),
        now=service.now(),
        table=preview.table(service, who, one.dataset),
    )


@blueprint.get("")
def show(dataset_id: str) -> ResponseReturnValue:
    """The dataset's page."""
    return shown(opened(dataset_id))


@blueprint.get("/edit")
def edit(dataset_id: str) -> ResponseReturnValue:
    """Name and description, to be changed."""
    one = opened(dataset_id, "modify")
    return pages.page("edit", one=one, form=Form({"name": one.dataset.name, "description": one.dataset.description}))


@blueprint.post("/edit")
def rename(dataset_id: str) -> ResponseReturnValue:
    """Keep the new name and description."""
    one, given = opened(dataset_id, "modify"), form.details()
    if not given.good:
        return pages.page("edit", 400, one=one, form=given)
    changes: datasets.Changes = {"name": given.values["name"], "description": given.values["description"]}
    datasets.change(current_portal().service, person().principal, dataset_id, changes)
    return pages.done("portal.dataset.show", "The new name and description are saved.", dataset_id=dataset_id)


@blueprint.post("/mode")
def change_mode(dataset_id: str) -> ResponseReturnValue:
    """Open it to the company, or restrict it to people."""
    mode: Mode = form.choice("mode", "", Mode)
    datasets.change(current_portal().service, person().principal, dataset_id, {"mode": mode})
    company = person().about.company_name
    said = {
        "company": (f"Everyone in {company} can read it now.", "You can restrict it again at any time."),
        "restricted": ("It is shared person by person now.", "Only the people below can use it, from this moment on."),
    }
    return pages.done("portal.dataset.show", *said[mode], dataset_id=dataset_id)


@blueprint.get("/delete")
def confirm_delete(dataset_id: str) -> ResponseReturnValue:
    """What is lost, before it is."""
    one = opened(dataset_id, "delete")
    shares = share.listed(current_portal().service, person().principal, dataset_id) if "share" in one.may else []
    return pages.page("delete", one=one, shares=shares)


@blueprint.post("/delete")
def delete(dataset_id: str) -> ResponseReturnValue:
    """Remove it with its content and shares."""
    service, who = current_portal().service, person().principal
    name = datasets.known(service, who, dataset_id).name
    datasets.delete(service, who, dataset_id)
    return pages.done("portal.listing.datasets", f"{name} is deleted.", "Nobody can open it any more.")


@blueprint.get("/why")
def why(dataset_id: str) -> ResponseReturnValue:
    """Why somebody can or cannot use it: each layer of the decision; about others for who may share it."""
    service, who = current_portal().service, person().principal
    sub = form.asked("sub", who.sub)
    one = opened(dataset_id)
    found = {action: explanation.explain(service, who, dataset_id, sub, action) for action in ("read", "modify")}
    about = people.named(service.directory, one.dataset.company_id, [sub])[sub]
    return pages.page("why", one=one, about=about, own=sub == who.sub, found=found, scopes=SCOPE)
