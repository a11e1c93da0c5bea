"""Names for subjects, asked of the IdP's directory; for display, never for decisions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from resource_server import Unavailable
from resource_server.datasets.directory import Directory, Member


@dataclass(frozen=True)
class Somebody:
    """A subject as pages show it."""

    sub: str
    name: str
    detail: str = ""  # the roles, in words
    username: str = ""
    gone: bool = False  # belongs to the company no more


def colleagues(directory: Directory, company_id: str) -> list[Member]:
    """Members to suggest, as many as the directory lists at once; none while it cannot be asked."""
    try:
        return directory.search(company_id, "")
    except Unavailable:
        return []


def named(
    directory: Directory, company_id: str, subs: Iterable[str], known: Iterable[Member] = ()
) -> Mapping[str, Somebody]:
    """Somebody for each subject; while the directory cannot be asked, with the subject in the place of the name."""
    members = {member.sub: member for member in known}
    return {sub: _somebody(directory, company_id, sub, members.get(sub)) for sub in set(subs)}


def _somebody(directory: Directory, company_id: str, sub: str, member: Member | None) -> Somebody:
    try:
        member = member or directory.member(company_id, sub)
    except Unavailable:
        return Somebody(sub, sub)
    if member is None:
        return Somebody(sub, sub, gone=True)
    return Somebody(sub, member.name or member.username or sub, roles(member.roles), member.username)


def roles(held: Iterable[str]) -> str:
    """Roles as words: "Admin, Data owner"."""
    return ", ".join(sorted(role.replace("_", " ").capitalize() for role in held))
