"""AES-256-GCM with the row's identity as associated data (NIST SP 800-38D).

A sealed value is ``version (1 byte) | nonce (12) | ciphertext and tag``. The associated data names the
table, the column and the row, so that a sealed value moved to another row does not open.
"""

import base64
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = b"\x01"
NONCE = 12
KEY = 32


class SealBrokenError(Exception):
    """The value was changed, moved from another row, or sealed with another key."""


def new_key() -> bytes:
    """Return a random data key of 32 bytes."""
    return os.urandom(KEY)


def seal(key: bytes, plain: bytes, identity: str) -> bytes:
    """Encrypt ``plain`` for the row that ``identity`` names."""
    nonce = os.urandom(NONCE)
    return VERSION + nonce + AESGCM(key).encrypt(nonce, plain, identity.encode())


def unseal(key: bytes, sealed: bytes, identity: str) -> bytes:
    """Decrypt a sealed value; raises ``SealBrokenError`` when it is not this row's."""
    if sealed[:1] != VERSION:
        raise SealBrokenError(f"{identity}: unknown version of a sealed value")
    try:
        return AESGCM(key).decrypt(sealed[1 : 1 + NONCE], sealed[1 + NONCE :], identity.encode())
    except (InvalidTag, ValueError) as error:  # ValueError: too short to be a sealed value
        raise SealBrokenError(f"{identity}: the sealed value does not open") from error


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """The master keys by id; the first one wraps, all of them unwrap (rotation with overlap)."""

    keys: dict[str, bytes]

    @classmethod
    def read(cls, setting: list[str]) -> "MasterKeys":
        """Read ``id:base64`` pairs; raises ``ValueError`` for a key that is not 32 bytes.

        >>> MasterKeys.read(["a:" + base64.b64encode(bytes(32)).decode()]).current
        'a'
        """
        keys = {}
        for pair in setting:
            name, _, text = pair.partition(":")
            key = base64.b64decode(text, validate=True)
            if not name or len(key) != KEY:
                raise ValueError("HUB_MASTER_KEYS: write each key as id:base64 of 32 bytes.")
            keys[name] = key
        if not keys:
            raise ValueError("HUB_MASTER_KEYS is empty: give at least one key.")
        return cls(keys)

    @property
    def current(self) -> str:
        """The id of the key that wraps."""
        return next(iter(self.keys))

    def wrap(self, key: bytes, identity: str) -> bytes:
        """Encrypt a data key (or another secret) under the current master key; the id leads."""
        name = self.current
        return name.encode() + b":" + seal(self.keys[name], key, identity)

    def unwrap(self, wrapped: bytes, identity: str) -> bytes:
        """Decrypt what ``wrap`` made; raises ``SealBrokenError`` for an unknown master key."""
        name, _, sealed = wrapped.partition(b":")
        key = self.keys.get(name.decode(errors="replace"))
        if key is None:
            raise SealBrokenError(f"{identity}: wrapped by a master key that is not configured")
        return unseal(key, sealed, identity)
