"""Names for subjects, asked of the IdP's directory; for display, never for decisions."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
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
    members: dict[str, Member | None] = {member.sub: member for member in known}
    subs = set(subs)
    # The first failure ends it: a page must not wait for one timeout after the other.
    with suppress(Unavailable):
        for sub in subs - members.keys():
            members[sub] = directory.member(company_id, sub)
    return {sub: _somebody(sub, members[sub]) if sub in members else Somebody(sub, sub) for sub in subs}


def _somebody(sub: str, member: Member | None) -> Somebody:
    if member is None:
        return Somebody(sub, sub, gone=True)
    return Somebody(sub, member.name or member.username or sub, roles(member.roles), member.username)


def roles(held: Iterable[str]) -> str:
    """Roles as words: "Admin, Data owner"."""
    return ", ".join(sorted(role.replace("_", " ").capitalize() for role in held))
