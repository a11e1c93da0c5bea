"""Share a dataset with a colleague until a day, and stop."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from resource_server.datasets import share
from resource_server.datasets.directory import Member
from resource_server.datasets.errors import NotFound
from resource_server.datasets.portal import form, pages, people, words
from resource_server.datasets.portal.dataset import opened, shown
from resource_server.datasets.portal.guard import person
from resource_server.datasets.portal.portal import current_portal
from resource_server.policy import WRITERS, mapped

blueprint = Blueprint("sharing", __name__, url_prefix="/datasets/<dataset_id>/shares")


@blueprint.post("")
def give(dataset_id: str) -> ResponseReturnValue:
    """Give the colleague named in the form access, in the place of what they had."""
    # First whether the person may share it at all: the form's answer tells who is a member.
    one, service = opened(dataset_id, "share"), current_portal().service
    given = form.share(service.now().date())
    member = _member(one.dataset.company_id, given.values["user"]) if given.values["user"] else None
    if given.values["user"] and member is None:
        given = given.but(user=f"No member of {person().about.company_name} has this user name or e-mail")
    elif member is not None and member.sub == one.dataset.owner:
        given = given.but(user=f"{member.name} owns this dataset, so nothing needs to be shared")
    if not given.good or member is None:
        return shown(opened(dataset_id), 400, given)
    access, end = given.values["access"], words.end_of(given.values["last"])
    share.give(service, person().principal, dataset_id, member.sub, access=access, expires_at=end)
    return pages.done("portal.dataset.show", *_said(member, access, words.end(end)), dataset_id=dataset_id)


@blueprint.post("/stop")
def stop(dataset_id: str) -> ResponseReturnValue:
    """Take a share away."""
    service, sub = current_portal().service, form.text("sub")
    if not 1 <= len(sub) <= 255 or not sub.isprintable():
        raise NotFound
    one = opened(dataset_id, "share")
    share.remove(service, person().principal, dataset_id, sub)
    name = people.named(service.directory, one.dataset.company_id, [sub])[sub].name
    return pages.done(
        "portal.dataset.show",
        f"The share with {name} has ended.",
        "It counts from this moment on. You can share again at any time.",
        dataset_id=dataset_id,
    )


def _member(company_id: str, user: str) -> Member | None:
    if len(user) > 255 or not user.isprintable():
        return None
    return current_portal().service.directory.named(company_id, user)


def _said(member: Member, access: str, end: str) -> tuple[str, str]:
    if access == "modify" and not mapped(member.roles, current_portal().service.settings.roles) & WRITERS:
        roles = people.roles(member.roles)
        return f"{member.name} can read it until {end}.", f"Not change it: the role in this company is {roles}."
    can = "read and change" if access == "modify" else "read"
    return f"{member.name} can {can} it until {end}.", "You can stop it at any time; it counts at once."
