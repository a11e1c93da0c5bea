"""What may be presented once: the identifiers of assertions, DPoP proofs and signed CIBA requests.

One table for all of them; the insert decides, so of many at once on many machines one goes on. A row lives as long as
its proof would be accepted.
"""

import hashlib
from datetime import datetime

from idp import context
from idp.db import db

# A row that is over counts no more, whether the sweep has come or not.
_BURN = """
    INSERT INTO replay (digest, expires_at) VALUES (%(digest)s, %(expires_at)s)
        ON CONFLICT (digest) DO UPDATE SET expires_at = excluded.expires_at WHERE replay.expires_at <= %(now)s
"""


def burn(use: str, issuer: str, identifier: str, expires_at: datetime) -> bool:
    """Use it; False if it was used before. `use` keeps the kinds apart, `issuer` those who make identifiers."""
    digest = hashlib.sha256("\0".join((use, issuer, identifier)).encode(errors="surrogatepass")).digest()
    with db.hot() as cursor:
        values = {"digest": digest, "expires_at": expires_at, "now": context.now()}
        return cursor.execute(_BURN, values).rowcount == 1
