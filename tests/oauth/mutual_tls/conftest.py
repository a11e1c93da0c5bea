from datetime import timedelta

import pytest
from certificates import Certificate, authority
from tls_client import HEADER, MTLS_URL

import consent_ui
from idp.app import create_app
from idp.db import db
from idp.settings import MutualTlsSettings


@pytest.fixture
def ca(clock):
    """The authority that vouches for clients."""
    return authority(since=clock() - timedelta(days=1))


@pytest.fixture
def handed(tmp_path, ca):
    """The settings of certificates; the test client's address is the proxy's."""
    ca.saved(tmp_path, "ca")
    return {"header": HEADER, "proxies": ("127.0.0.1",), "ca_file": tmp_path / "ca.pem", "url": MTLS_URL}


@pytest.fixture
def settings(settings, handed):
    return settings.model_copy(update={"mutual_tls": MutualTlsSettings(**handed)})


@pytest.fixture
def reopened(settings, app, clock):
    """The same provider with other settings of certificates."""
    started = []

    def made(**changes):
        group = MutualTlsSettings(**changes) if changes else MutualTlsSettings()
        other = create_app(
            settings.model_copy(update={"mutual_tls": group}), consent_ui, keys=app.extensions["idp"].keys, now=clock
        )
        started.append(other)
        return other

    yield made
    for other in started:
        with other.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def made(clock):
    """A certificate of the tests' time."""
    return lambda subject="CN=client", **fields: Certificate(
        subject, **{"since": clock() - timedelta(days=1), **fields}
    )
