from datetime import timedelta

import pytest
from certificates import Certificate, authority
from tls_client import HEADER, MTLS_URL

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
def reopened(another):
    """The same provider with other settings of certificates; with none of them by default."""
    return lambda **changes: another(mutual_tls=MutualTlsSettings(**changes))


@pytest.fixture
def made(clock):
    """A certificate of the tests' time."""
    return lambda subject="CN=client", **fields: Certificate(
        subject, **{"since": clock() - timedelta(days=1), **fields}
    )
