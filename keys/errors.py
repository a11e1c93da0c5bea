"""What can go wrong with keys; the tree is drawn in `KeysError`."""


class KeysError(Exception):
    """Every error of this package.

    KeysError
    ├── BadToken        a presented token is not one of ours; the text is for the log, never for a client
    ├── NoActiveKey     nothing to sign or seal with: an empty table, or an algorithm that is not kept
    ├── UnknownKey      no key has this `kid`
    └── CannotUnseal    a key at rest was changed, or moved between rows
        └── WrongKek    a key at rest was sealed by a key-encryption key that is not configured
    """


class BadToken(KeysError):
    """A presented token is malformed, not signed by us, or not of the expected kind."""


class NoActiveKey(KeysError):
    """There is no active key for what was asked."""


class UnknownKey(KeysError):
    """No key has this `kid`."""


class CannotUnseal(KeysError):
    """The sealed private part does not belong to its row, or was changed."""


class WrongKek(CannotUnseal):
    """None of the configured key-encryption keys sealed this row."""
