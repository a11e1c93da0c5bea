"""One identifier of a call in the client's log and in ours: FAPI 1.0 Baseline §6.2.1, which FAPI-CIBA builds on.

Where an access token is presented, refusals too. FAPI 2.0 dropped it, and it costs a line of the log for each such
call: off by default.
"""

import logging
from uuid import UUID, uuid4

import flask

from idp.oauth.extension import Extension

log = logging.getLogger(__name__)

_HEADER = "X-Fapi-Interaction-Id"


def answered(response: flask.Response) -> None:
    """Log the identifier and send it back: the client's, or one of our own if it brought none (items 11 and 12)."""
    if flask.g.get("presented") is None:
        return
    found = _sent() or uuid4()
    log.info(
        "asked",
        extra={"interaction_id": str(found), "endpoint": flask.request.endpoint, "status": response.status_code},
    )
    response.headers[_HEADER] = str(found)


def _sent() -> UUID | None:
    """A UUID and nothing else: it goes into a log (§6.2.2 item 5)."""
    try:
        return UUID(flask.request.headers.get(_HEADER, ""))
    except ValueError:
        return None


extension = Extension(
    name="fapi_interaction_id",
    spec="FAPI 1.0 Baseline §6.2.1",
    default=False,
    answered=answered,
)
