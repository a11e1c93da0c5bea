"""What goes out: the JSON of datasets and shares."""

from datetime import UTC, datetime
from typing import Any

from resource_server.datasets.models import Dataset, Share


def dataset_json(dataset: Dataset) -> dict[str, Any]:
    """A dataset as the API shows it."""
    return {
        "id": str(dataset.id),
        "company_id": dataset.company_id,
        "name": dataset.name,
        "description": dataset.description,
        "mode": dataset.mode,
        "owner": dataset.owner,
        "media_type": dataset.media_type,
        "size": dataset.size,
        "created_at": rfc3339(dataset.created_at),
        "updated_at": rfc3339(dataset.updated_at),
    }


def share_json(share: Share) -> dict[str, Any]:
    """A share as the API shows it."""
    return {
        "sub": share.sub,
        "access": share.access,
        "expires_at": share.expires_at and rfc3339(share.expires_at),
        "given_by": share.given_by,
        "created_at": rfc3339(share.created_at),
    }


def rfc3339(moment: datetime) -> str:
    """UTC, with a Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
