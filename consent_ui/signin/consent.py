"""Allow a client to act, or not."""

from flask import Response

from consent_ui.forms import ActForm, ConsentForm
from consent_ui.pages import render
from consent_ui.signin.waiting import waiting
from idp.oauth import interaction


def consent(handle: str) -> Response:
    """Who asks, for which company, what it could do, and where the person goes afterwards; two buttons of one size."""
    asked = waiting(handle, "consent")
    view = interaction.consent(asked)
    # The token is for these terms: a page that showed others decides nothing.
    form = ConsentForm(f"consent:{handle}:{view.terms}")
    if form.validate_on_submit():
        return interaction.finish(asked, allow=form.decision.data == "allow", terms=view.terms)
    return render(
        "signin/consent",
        400 if form.is_submitted() else 200,
        interaction=asked,
        form=form,
        other=ActForm(f"other:{handle}"),
        view=view,
    )
