"""The two ways in which the domain says no."""

from resource_server.policy import SCOPE, Action, Decision, Reason


class NotFound(Exception):
    """There is no such dataset or person for this caller; that of another company is no different from none."""


class Forbidden(Exception):
    """The caller belongs to the dataset's company and may not do this; `scope`: what the token lacks, if it does."""

    def __init__(self, reason: Reason, scope: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.scope = scope

    @classmethod
    def by(cls, decision: Decision, action: Action) -> "Forbidden":
        """The refusal that a decision against `action` means."""
        reason = decision.reason or "role"
        return cls(reason, SCOPE[action] if reason == "scope" else None)
