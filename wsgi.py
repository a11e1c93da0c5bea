"""The composition: settings and pages make the provider's WSGI application; `idp serve` runs it."""

import consent_ui
from idp import settings
from idp.app import create_app
from idp.cli import worker

app = worker.serving(create_app(settings.load(), consent_ui))
