"""Clients may know users by names that no other sector shares: pairwise subjects, OpenID Connect Core §8.

This only lets clients register it. The names themselves are the core's (`idp.oauth.subjects`): left out, no client can
ask for them any more, while those that have them go on, since to them another name would be another person.
"""

from typing import Any

from idp.oauth.extension import Extension
from idp.settings import Settings


def metadata(_settings: Settings) -> dict[str, Any]:
    """What clients may register as their `subject_type` (OpenID Connect Discovery §3)."""
    return {"subject_types_supported": ["pairwise"]}


extension = Extension(name="pairwise_subjects", spec="OpenID Connect Core §8", metadata=metadata)
