"""Keys on a smart card or USB token, through PKCS#11 (v2.40). The private key is made there and never leaves it.

Each use opens a session with the PIN and ends it. The token itself counts wrong PINs and locks.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop_app.errors import Refused, Unreachable, UserError
from desktop_app.trust.algorithms import ED25519, P256, p256_signature, verified

LABEL = "Assaydesk"  # of the keys made on a token
_CURVES = {P256: ("secp256r1", 65), ED25519: ("1.3.101.112", 32)}  # the curve, the length of a public key
_one = threading.RLock()  # a login is the program's, not the session's: nobody else's PIN may open this one's


@dataclass(frozen=True)
class OnToken:
    """Where a key is: the file of the token's PKCS#11 module, the token's label and serial number, the key's id there.

    key: hexadecimal CKA_ID; serial and key are empty where they are not known yet · algorithm: how it signs.
    """

    module: str
    label: str
    serial: str = ""
    key: str = ""
    algorithm: str = P256


def generate(where: OnToken, pin: str) -> tuple[OnToken, bytes]:
    """Make a key pair on a token; where it is, and its public key. Raises Refused, Unreachable, UserError."""
    with _session(where, pin, rw=True) as (session, token):
        import pkcs11
        from pkcs11.util.ec import encode_named_curve_parameters

        kind, how = (pkcs11.KeyType.EC, pkcs11.Mechanism.EC_KEY_PAIR_GEN) if where.algorithm == P256 else \
            (pkcs11.KeyType.EC_EDWARDS, pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN)
        identity = secrets.token_bytes(16)
        curve = session.create_domain_parameters(
            kind, {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters(_CURVES[where.algorithm][0])}, local=True)
        public, _ = curve.generate_keypair(mechanism=how, store=True, id=identity, label=LABEL)
        made = OnToken(where.module, token.label, _serial(token), identity.hex(), where.algorithm)
        return made, _point(public[pkcs11.Attribute.EC_POINT], where.algorithm)


def existing(where: OnToken, pin: str) -> tuple[OnToken, bytes]:
    """A key pair that is on the token already, by its id; as `generate`."""
    with _session(where, pin) as (session, token):
        import pkcs11

        public = _found(session, pkcs11.ObjectClass.PUBLIC_KEY, where)
        return OnToken(where.module, token.label, _serial(token), where.key, where.algorithm), \
            _point(public[pkcs11.Attribute.EC_POINT], where.algorithm)


def remove(where: OnToken, pin: str) -> None:
    """Take a key pair off the token again, as far as that can be done: nobody enrolled it."""
    with suppress(UserError), _session(where, pin, rw=True) as (session, _):
        import pkcs11

        for kind in (pkcs11.ObjectClass.PRIVATE_KEY, pkcs11.ObjectClass.PUBLIC_KEY):
            _found(session, kind, where).destroy()


@contextmanager
def signing(where: OnToken, pin: str, public: bytes) -> Iterator[Callable[[bytes], bytes]]:
    """What signs with a key on a token, as long as the block lasts. Each signature is checked under its public key.

    Raises Refused, Unreachable and UserError in words; what was signed before in the same block is to be dropped.
    """
    with _session(where, pin) as (session, _):
        import pkcs11

        key = _found(session, pkcs11.ObjectClass.PRIVATE_KEY, where)
        again = {"pin": pin} if _asks_each_time(key) else {}

        def sign(message: bytes) -> bytes:
            try:
                if where.algorithm == P256:
                    digest = hashlib.sha256(message).digest()
                    signature = p256_signature(key.sign(digest, mechanism=pkcs11.Mechanism.ECDSA, **again))
                else:
                    signature = key.sign(message, mechanism=pkcs11.Mechanism.EDDSA, **again)
            except pkcs11.exceptions.PKCS11Error as error:
                raise _in_words(error, where) from error
            if not verified(where.algorithm, public, signature, message):
                raise Refused("The token signed with another key than the one enrolled.", "Nothing was recorded.",
                              "Put the right token in, or renew your key.")
            return signature

        yield sign


# ---- sessions


@contextmanager
def _session(where: OnToken, pin: str, *, rw: bool = False) -> Iterator[tuple[Any, Any]]:
    library = _library(where.module)
    import pkcs11

    if not pin:
        raise UserError("The PIN of the token is missing.", "", "Type it.")
    with _one:
        try:
            token = _token(library, where)
            with token.open(rw=rw, user_pin=pin) as session:
                yield session, token
        except pkcs11.exceptions.PKCS11Error as error:
            raise _in_words(error, where, _flags(library, where)) from error


def _library(module: str) -> Any:
    try:
        import pkcs11
    except ImportError as error:
        raise UserError("Tokens need a part of the program that is not installed.", "python-pkcs11",
                        "Install it: pip install assaydesk[token]") from error
    if not Path(module).is_file():
        raise UserError("There is no PKCS#11 module here.", module,
                        "Give the file that came with the token: a .so, .dll or .dylib.")
    try:
        return pkcs11.lib(module)
    except (pkcs11.exceptions.PKCS11Error, RuntimeError, OSError) as error:
        raise UserError("This file is not a PKCS#11 module that can be used here.", f"{module}: {error}",
                        "Give the file that came with the token: a .so, .dll or .dylib.") from error


def _token(library: Any, where: OnToken) -> Any:
    there = [slot.get_token() for slot in library.get_slots(token_present=True)]
    ready = [t for t in there if t.flags & _flag("TOKEN_INITIALIZED")]
    found = [t for t in ready if where.label in ("", t.label) and where.serial in ("", _serial(t))]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"“{t.label}” ({_serial(t)})" for t in ready) or "none"
    if not found:
        raise Unreachable("The token is not there." if where.label else "No token is there.",
                          f"Wanted: “{where.label}”{f' ({where.serial})' if where.serial else ''}. Found: {names}. "
                          "Nothing was signed.", "Plug it in, then try again.")
    raise UserError("Which token?", f"Found: {names}.", "Name its label.")


def _found(session: Any, kind: Any, where: OnToken) -> Any:
    import pkcs11

    try:
        identity = bytes.fromhex(where.key)
    except ValueError as error:
        raise UserError("The id of the key on the token cannot be read.", where.key,
                        "Write it in hexadecimal digits: 01ab.") from error
    found = list(session.get_objects({pkcs11.Attribute.CLASS: kind, pkcs11.Attribute.ID: identity}))
    if len(found) != 1:
        raise Refused("The key is not on this token.", f"Token “{where.label}”, key {where.key}. Nothing was signed.",
                      "Put the token in that the key was made on, or ask an administrator to enrol a new one.")
    return found[0]


def _asks_each_time(key: Any) -> bool:
    import pkcs11

    try:
        return bool(key[pkcs11.Attribute.ALWAYS_AUTHENTICATE])
    except pkcs11.exceptions.PKCS11Error:
        return False


def _point(written: bytes, algorithm: str) -> bytes:
    """A public key: the point alone, which most tokens wrap in a DER OCTET STRING."""
    length = _CURVES[algorithm][1]
    bare = written[2:] if written[:2] == bytes([4, length]) else written
    if len(bare) != length:
        raise UserError("This key is not of the kind asked for.", f"Wanted: {algorithm}.", "Name another key.")
    return bytes(bare)


def _serial(token: Any) -> str:
    return str(token.serial.decode("ascii", "replace")).strip("\0 ")


def _flag(name: str) -> int:
    import pkcs11

    return int(pkcs11.TokenFlag[name])


def _flags(library: Any, where: OnToken) -> int:
    """What the token says of itself now: how many tries are left."""
    with suppress(Exception):
        return int(_token(library, where).flags)
    return 0


def _in_words(error: Exception, where: OnToken, flags: int = 0) -> UserError:
    """An error of PKCS#11 as a person can mend it."""
    name = type(error).__name__
    if name == "PinLocked" or flags & _flag("USER_PIN_LOCKED"):
        return Refused("The token is locked: too many wrong PINs.", "Nothing was signed.",
                       "Whoever administers the tokens can unlock it with its PUK or administrator's PIN.")
    if name in ("PinIncorrect", "PinInvalid", "PinLenRange"):
        left = "One more wrong PIN locks the token." if flags & _flag("USER_PIN_FINAL_TRY") else \
            "A few tries are left before the token locks; it does not say how many." \
            if flags & _flag("USER_PIN_COUNT_LOW") else ""
        return Refused("The PIN of the token is not right.", f"Nothing was signed. {left}".strip(), "Type it again.")
    known = {
        "PinExpired": ("The PIN of the token must be changed first.", "Change it with the program of the token."),
        "UserPinNotInitialized": ("The token has no PIN yet.", "Set one with the program of the token."),
        "UserAlreadyLoggedIn": ("The token is in use by another program.", "Close it, then try again."),
        "MechanismInvalid": ("The token cannot make a key or a signature of this kind.", "Choose another kind of key."),
    }
    if name in known:
        title, remedy = known[name]
        return Refused(title, f"Token “{where.label}”. Nothing was signed.", remedy)
    return Unreachable("The token went away or stopped answering.",
                       f"Token “{where.label}”: {name}. Nothing was signed.", "Put it in again, then try again.")
