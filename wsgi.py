"""The composition: settings and pages make the provider's WSGI application; `idp serve` runs it."""

import consent_ui
from idp import settings
from idp.app import create_app
from idp.cli import worker

config = settings.load()
app = worker.serving(create_app(config, consent_ui), proxies=config.deploy.proxies)
