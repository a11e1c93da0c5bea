"""Signing in on a device without browser or keyboard: the device authorization grant, RFC 8628.

The device shows a short code; its person types it on another device, signs in there and decides, while this one polls.
The code of the polls is 256 bits and kept as a digest; the short one works for ten minutes, and guesses are limited.
"""

from typing import Any
from urllib.parse import urlencode

import flask

from idp import answers, context, opaque
from idp.oauth.decoupled import polled, rows, user_codes
from idp.oauth.decoupled.polled import Polled
from idp.oauth.extension import Clients, Endpoint, Extension
from idp.oauth.request import OAuthRequest

# What a device may ask for; nothing of these goes through a browser.
_PARAMETERS = frozenset({
    "client_id", "scope", "resource", "company", "claims", "max_age", "authorization_details", "ui_locales",
})  # fmt: skip


class DeviceCode(Polled):
    """Exchange a device code, once, after its person approved (RFC 8628 §3.4)."""

    GRANT_TYPE = user_codes.GRANT_TYPE
    KIND = "device"
    PARAMETER = "device_code"


def device_authorization(request: OAuthRequest) -> flask.Response:
    """POST /oauth2/device_authorization (RFC 8628 §3.1): the code to poll with, and the one to show."""
    device_code, user_code = opaque.make("dc"), user_codes.make()
    polled.judge(request, device_code, DeviceCode, only=_PARAMETERS)
    client_id = request.client.client_id
    rows.start(device_code, DeviceCode.KIND, client_id, request.payload.datalist, user_code=user_code)
    return answers.as_json(_answer(device_code, user_code))


def _answer(device_code: str, user_code: str) -> dict[str, Any]:
    """RFC 8628 §3.2."""
    page = f"{context.settings().public_url}/device"
    return {
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?{urlencode({'user_code': user_code})}",
        "expires_in": rows.LIFETIME,
        "interval": rows.INTERVAL,
    }


extension = Extension(
    name="device",
    spec="RFC 8628",
    grants=(DeviceCode,),
    endpoints=(
        Endpoint(
            name="device_authorization",
            path="/oauth2/device_authorization",
            methods=("POST",),
            view=device_authorization,
            announced="device_authorization_endpoint",
            clients=Clients.ALL,
        ),
    ),
)
