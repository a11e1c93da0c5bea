"""Who a person is, where they work, and which applications may act in their name."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from consent_ui.forms import ActForm, StopForm
from consent_ui.pages import render
from idp.companies import company
from idp.context import now
from idp.grants import consent
from idp.grants.consent import Connection
from idp.oauth import interaction
from idp.oauth.decoupled import approvals
from idp.sso import session


@dataclass(frozen=True)
class Application:
    """A client that may act for the person, in the companies that it was allowed for."""

    client_id: str
    name: str
    companies: tuple[str, ...]
    since: datetime


def overview() -> ResponseReturnValue:
    """The page; who is not signed in does that first."""
    current = session.current()
    if current is None:
        return interaction.start_page("account.overview")
    return render(
        "account/overview",
        user=interaction.signed_in(),
        memberships=company.memberships(current.user_id),
        applications=applications(consent.connected(current.user_id)),
        form=StopForm("stop"),
        sign_out=ActForm("logout"),
        asked_elsewhere=approvals.accepted(),
        stopped="stopped" in request.args,
        changed="changed" in request.args,
    )


def stop() -> ResponseReturnValue:
    """An application loses everything that it was allowed, in every company, and at once."""
    current = session.current()
    if current is None:
        return interaction.start_page("account.overview")
    form = StopForm("stop")
    if not form.validate():
        abort(400)
    consent.withdraw(current.user_id, form.client_id.data, now())
    return redirect(url_for("account.overview", stopped=""), 303)


def applications(connections: Iterable[Connection]) -> list[Application]:
    """One entry a client: they are stopped as one. The connections come ordered by name."""
    found = []
    for (client_id, name), group in groupby(connections, lambda one: (one.client_id, one.client_name)):
        connected = list(group)
        companies = tuple(one.company_name for one in connected if one.company_name)
        found.append(Application(client_id, name, companies, min(one.since for one in connected)))
    return found
