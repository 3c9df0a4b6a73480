"""A passkey device in software: makes keys, signs challenges, counts, and can be told to misbehave."""

import hashlib
import json
import struct
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """One key, for one site."""

    domain: str = "yishe.test"
    origin: str = "https://yishe.test"
    counts: bool = True
    verifies: bool = True
    handle: bytes = b"key-one-of-this-device"
    counter: int = 0
    owner: bytes = b""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, asked: dict[str, Any]) -> dict[str, Any]:
        options = asked["publicKey"]
        self.owner = websafe_decode(options["user"]["id"])
        cose = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        attested = bytes(16) + struct.pack(">H", len(self.handle)) + self.handle + cose
        made = {"fmt": "none", "authData": self._data(ATTESTED) + attested, "attStmt": {}}
        return self._answer(
            clientDataJSON=self._client("webauthn.create", options["challenge"]),
            attestationObject=websafe_encode(cbor.encode(made)),
        )

    def get(self, asked: dict[str, Any]) -> dict[str, Any]:
        options = asked["publicKey"]
        client, data = self._client("webauthn.get", options["challenge"]), self._data()
        signed = data + hashlib.sha256(websafe_decode(client)).digest()
        return self._answer(
            clientDataJSON=client,
            authenticatorData=websafe_encode(data),
            signature=websafe_encode(self.key.sign(signed, ec.ECDSA(SHA256()))),
            userHandle=websafe_encode(self.owner),
        )

    def _data(self, flags: int = 0) -> bytes:
        self.counter += self.counts
        flags |= PRESENT | (VERIFIED if self.verifies else 0)
        return hashlib.sha256(self.domain.encode()).digest() + struct.pack(">BI", flags, self.counter)

    def _client(self, kind: str, challenge: str) -> str:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return websafe_encode(json.dumps(said).encode())

    def _answer(self, **response: Any) -> dict[str, Any]:
        handle = websafe_encode(self.handle)
        return {
            "id": handle,
            "rawId": handle,
            "type": "public-key",
            "clientExtensionResults": {},
            "response": response,
        }
