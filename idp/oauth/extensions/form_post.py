"""The answer in a form that posts itself to the client: OAuth 2.0 Form Post Response Mode.

Neither browser history nor a server's log has the parameters then. The page works by its button where scripts are off.
"""

from idp.oauth import response_modes
from idp.oauth.extension import Extension, ResponseMode

extension = Extension(
    name="form_post",
    spec="OAuth 2.0 Form Post Response Mode",
    response_modes={"form_post": ResponseMode(send=response_modes.form)},
)
