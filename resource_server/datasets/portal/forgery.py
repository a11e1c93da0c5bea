"""A change comes from a form of ours: its origin, and the token that only pages of this session hold."""

import hmac
from typing import Final

from flask import request
from werkzeug.exceptions import Forbidden

from resource_server.datasets import content
from resource_server.datasets.portal.portal import Portal
from resource_server.datasets.portal.session import Session

_FORM: Final = 64 * 1024  # bytes of a form besides a file
_PARTS: Final = 8  # fields of a form with a file
_OURS: Final = frozenset({"same-origin", "none"})  # Sec-Fetch-Site; `none`: the person's own reload of a POST


class Foreign(Forbidden):
    """A POST that none of our pages sent."""


def refuse_foreign(portal: Portal) -> None:
    """What a browser says of a POST's origin must be us; `Origin: null` is not."""
    ours = portal.service.settings.public_url
    if request.headers.get("Origin", ours) != ours or request.headers.get("Sec-Fetch-Site", "none") not in _OURS:
        raise Foreign


def token(portal: Portal, session: Session) -> str:
    """The token of every form that this session is shown."""
    return portal.seal.mac("csrf", session.secret)


def refuse_forged(portal: Portal, session: Session) -> None:
    """The form, read within its limits, must hold this session's token, once."""
    with_file = request.mimetype == "multipart/form-data"
    request.max_content_length = content.LIMIT + _FORM if with_file else _FORM
    request.max_form_memory_size, request.max_form_parts = _FORM, _PARTS
    given = request.form.getlist("csrf_token")
    if len(given) != 1 or not hmac.compare_digest(given[0].encode(), token(portal, session).encode()):
        raise Foreign
