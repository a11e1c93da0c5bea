"""What applications ask elsewhere, such as at a counter or on the phone: a closer look, or no."""

from flask import abort, request
from flask.typing import ResponseReturnValue

from consent_ui.forms import ApprovalForm
from consent_ui.pages import render
from idp.oauth import interaction
from idp.oauth.decoupled import approvals as asked
from idp.sso import session


def approvals() -> ResponseReturnValue:
    """The page; who is not signed in does that first. To allow takes the page that says what for."""
    if not asked.accepted():
        abort(404)
    current = session.current()
    if current is None:
        return interaction.start_page("account.approvals")
    form = ApprovalForm("approvals")
    if form.validate_on_submit():
        act = asked.review if form.decision.data == "review" else asked.deny
        return act(current, form.id.data)
    return render(
        "account/approvals",
        400 if form.is_submitted() else 200,
        pending=asked.waiting_for(current),
        form=form,
        outcome=request.args.get("outcome"),
    )
