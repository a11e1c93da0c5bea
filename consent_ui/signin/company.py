"""Choose the company to work for."""

from flask import Response, request

from consent_ui.forms import ActForm, CompanyForm
from consent_ui.pages import render
from consent_ui.signin.waiting import waiting
from idp.oauth import interaction
from idp.oauth.interaction import NotAMember

# Fewer are read faster than searched: then the list comes first.
_SEARCH_FIRST_FROM = 9


def company(handle: str) -> Response:
    """One form whose choices are buttons, and a search that is a GET."""
    asked = waiting(handle, "company")
    form = CompanyForm(f"company:{handle}")
    if not form.is_submitted():
        return _page(asked, form)
    if not form.validate():
        return _page(asked, form, 400)
    try:
        return interaction.choose_company(asked, form.company.data)
    except NotAMember:
        return _page(asked, form, 403)


def _page(asked: interaction.Interaction, form: CompanyForm, status: int = 200) -> Response:
    q = request.args.get("q", "").strip()[:200]
    choices = interaction.companies(q)
    return render(
        "signin/company",
        status,
        interaction=asked,
        form=form,
        other=ActForm(f"other:{asked.handle}"),
        choices=choices,
        q=q,
        many=bool(q) or choices.total >= _SEARCH_FIRST_FROM,
        refused=status == 403,
    )
