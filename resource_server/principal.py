"""Who is calling, on whose behalf and in which company: what is left of an access token once it is believed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Detail = Mapping[str, Any]  # one entry of `authorization_details`, RFC 9396 §2


@dataclass(frozen=True, kw_only=True)
class Principal:
    """The caller as the IdP describes it; nothing in it comes from the rest of the request.

    A token has one active company (`company_id` and `roles`), or stands for all of the user's (`companies`), or none.
    """

    sub: str
    client_id: str
    scopes: frozenset[str]
    expires_at: int  # seconds since the epoch
    company_id: str | None = None
    roles: frozenset[str] = frozenset()  # in the active company
    companies: Mapping[str, frozenset[str]] | None = None  # company id -> roles; only in a token for all companies
    member_ver: int | None = None  # raised by the IdP whenever this membership changes
    authorization_details: tuple[Detail, ...] | None = None  # narrows what roles and scopes allow; None: does not
    acr: str | None = None
    amr: tuple[str, ...] = ()
    auth_time: int | None = None  # seconds since the epoch: when the user signed in
    actor: str | None = None  # the `sub` of who acts for them by token exchange (RFC 8693 §4.1)
    confirmation: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # what the sender proved
    claims: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    @property
    def is_client(self) -> bool:
        """No user stands behind the token: a client acts for itself (RFC 9068 §2.2)."""
        return self.sub == self.client_id

    def roles_in(self, company_id: str | None) -> frozenset[str]:
        """The roles that this token carries in a company; none in any but its own."""
        if company_id is None:
            return frozenset()
        if self.companies is not None:
            return self.companies.get(company_id, frozenset())
        return self.roles if company_id == self.company_id else frozenset()
