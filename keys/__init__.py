"""The provider's keys: made, rotated, kept at rest, published and used here, and nowhere else.

keyset      KeySet: what the rest of the provider calls; one snapshot a process, reloaded every 30 s
rotation    next -> active -> retired -> dropped: Policy and the pure plan
store       the signing_key table: load, apply, rotate, revoke, rewrap
envelope    keys at rest: a data key each, wrapped by the key-encryption key
jws         signed tokens · algorithms: what signs them · sealing: JWE and HMAC for one purpose
brought     public keys that a message brings along, and their thumbprints
compact     strict base64url and JSON · errors: what can go wrong
"""

from keys.envelope import new_kek, parse_kek
from keys.errors import BadToken, CannotUnseal, KeysError, NoActiveKey, UnknownKey, WrongKek
from keys.keyset import KeySet
from keys.rotation import Policy

__all__ = [
    "BadToken",
    "CannotUnseal",
    "KeySet",
    "KeysError",
    "NoActiveKey",
    "Policy",
    "UnknownKey",
    "WrongKek",
    "new_kek",
    "parse_kek",
]
