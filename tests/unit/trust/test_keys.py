"""Key files: the final format, opened by a second implementation; nothing opens a key but its two halves."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import stat

import keyring.backend
import keyring.errors
import pytest
from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from desktop_app.domain.canonical import Id
from desktop_app.errors import Refused, Unreachable, UserError
from desktop_app.trust import dsse, keys
from desktop_app.trust.keys import Cost, NoSecretStore, SystemKeyring, key_id_of, load_keys, make_key
from desktop_app.trust.signer import Signer
from tests.desk import CHEAP, PASSPHRASE

REGISTRY = "3e9b2f9e-0000-4000-8000-000000000001"
PERSON = Id("01kaf3zq0g000000000000test")


class Kept:
    """A secret store in memory."""

    def __init__(self):
        self.secrets = {}

    def get(self, name):
        return self.secrets.get(name)

    def set(self, name, secret):
        self.secrets[name] = secret
        return True


def make(folder, store=None, passphrase=PASSPHRASE, person=PERSON, cost=CHEAP):
    return make_key(folder, person, REGISTRY, passphrase, secret_store=store or NoSecretStore(), cost=cost,
                    proof_of=lambda key_id: b"proof of " + key_id.encode())


def test_the_file_is_of_the_final_format(tmp_path):
    made = make(tmp_path, Kept())
    assert made.file.path.name == f"{REGISTRY}-{PERSON}.key.json"
    value = json.loads(made.file.path.read_bytes())
    assert {k: type(v).__name__ for k, v in value.items()} == {
        "v": "int", "registry": "str", "user_id": "str", "key_id": "str", "alg": "str", "kdf": "str", "m": "int",
        "t": "int", "p": "int", "salt": "str", "keyring": "bool", "nonce": "str", "ct": "str"}
    assert (value["v"], value["alg"], value["kdf"], value["user_id"]) == (1, "ed25519", "argon2id", PERSON)
    assert [len(base64.b64decode(value[n])) for n in ("salt", "nonce", "ct")] == [16, 12, 32 + 16]


NFC, NFD = "caf\u00e9 cr\u00e8me br\u00fbl\u00e9e", "cafe\u0301 cre\u0300me bru\u0302le\u0301e"


@pytest.mark.parametrize(("made_with", "opened_with"), [(NFC, NFD), (NFD, NFC), (NFD, NFD)])
def test_a_passphrase_opens_however_its_letters_are_made_up(tmp_path, made_with, opened_with):
    file = make(tmp_path, passphrase=made_with).file
    assert key_id_of(file.unlock(opened_with, NoSecretStore()).public_key().public_bytes_raw()) == file.key_id
    with pytest.raises(Refused, match="passphrase is not right"):
        file.unlock("cafe creme brulee", NoSecretStore())


def test_marks_do_not_make_a_passphrase_longer(tmp_path):
    with pytest.raises(UserError, match="too short"):
        make(tmp_path, passphrase="e\u0301" * 9)


@pytest.mark.parametrize("with_keyring", [True, False])
def test_a_second_implementation_opens_the_file(tmp_path, with_keyring):
    """security.md §2.3: KEK = HKDF(Argon2id(passphrase) ‖ keyring secret), AES-256-GCM, the header as AAD."""
    store = Kept() if with_keyring else NoSecretStore()
    made = make(tmp_path, store)
    header = json.loads(made.file.path.read_bytes())
    sealed = base64.b64decode(header.pop("ct"))
    stretched = hash_secret_raw(PASSPHRASE.encode(), base64.b64decode(header["salt"]), header["t"], header["m"],
                                header["p"], 32, Type.ID)
    secret = store.secrets[header["key_id"]] if with_keyring else b""
    wrapping = HKDF(hashes.SHA256(), 32, None, b"assaydesk-key/v1").derive(stretched + secret)
    associated = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    raw = AESGCM(wrapping).decrypt(base64.b64decode(header["nonce"]), sealed, associated)
    assert Ed25519PrivateKey.from_private_bytes(raw).public_key().public_bytes_raw() == made.public_key
    assert header["keyring"] is with_keyring


def test_the_id_of_a_key_is_a_digest_of_it(tmp_path):
    made = make(tmp_path)
    by_hand = hashlib.sha256(b"ed25519" + made.public_key).hexdigest()[:16]
    assert made.file.key_id == key_id_of(made.public_key) == by_hand
    Ed25519PublicKey.from_public_bytes(made.public_key).verify(made.proof, b"proof of " + made.file.key_id.encode())


def test_the_real_costs_are_those_of_the_design():
    """security.md §2.3: 64 MiB beside a keyring, 256 MiB without one."""
    costs = {name: (cost.m, cost.t, cost.p) for name, cost in vars(keys).items() if isinstance(cost, Cost)}
    assert costs == {"WITH_KEYRING": (65_536, 3, 4), "PASSPHRASE_ONLY": (262_144, 3, 4)}


@pytest.mark.parametrize(("store", "cost", "factors"), [
    (Kept, "WITH_KEYRING", "passphrase and keyring"), (NoSecretStore, "PASSPHRASE_ONLY", "passphrase only")])
def test_without_a_keyring_every_guess_costs_more(tmp_path, monkeypatch, store, cost, factors):
    monkeypatch.setattr(keys, cost, Cost(m=80, t=2, p=1))
    made = make(tmp_path, store(), cost=None)
    assert (made.file.header["m"], made.file.header["t"], made.file.header["p"]) == (80, 2, 1)
    assert made.file.factors == factors


def test_unlocking_gives_the_key(tmp_path):
    store = Kept()
    made = make(tmp_path, store)
    (found,) = load_keys(tmp_path, REGISTRY)
    assert found == made.file
    assert found.unlock(PASSPHRASE, store).public_key().public_bytes_raw() == made.public_key
    assert (found.person, found.registry) == (PERSON, REGISTRY)


def test_neither_half_opens_it_alone(tmp_path):
    store = Kept()
    made = make(tmp_path, store)
    with pytest.raises(Refused, match="passphrase is not right"):
        made.file.unlock(PASSPHRASE + "!", store)
    with pytest.raises(Refused, match="other half of this key"):
        made.file.unlock(PASSPHRASE, Kept())
    wrong = Kept()
    wrong.set(made.file.key_id, bytes(32))
    with pytest.raises(Refused, match="passphrase is not right"):
        made.file.unlock(PASSPHRASE, wrong)


@pytest.mark.parametrize(("name", "value"), [
    ("m", 72), ("t", 2), ("p", 2), ("salt", base64.b64encode(bytes(16)).decode()), ("user_id", "somebody else"),
    ("registry", REGISTRY[:-1] + "2"), ("nonce", base64.b64encode(bytes(12)).decode()), ("key_id", "0" * 16),
    ("ct", base64.b64encode(bytes(48)).decode()),
])
def test_a_changed_header_opens_nothing(tmp_path, name, value):
    made = make(tmp_path)
    path = made.file.path
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {name: value}))
    path.rename(tmp_path / f"{REGISTRY}-changed.key.json")
    (found,) = load_keys(tmp_path, REGISTRY)
    with pytest.raises(Refused, match="passphrase is not right"):
        found.unlock(PASSPHRASE, NoSecretStore())


def test_saying_that_no_keyring_is_needed_does_not_help(tmp_path):
    store = Kept()
    path = make(tmp_path, store).file.path
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"keyring": False}))
    with pytest.raises(Refused, match="passphrase is not right"):
        load_keys(tmp_path, REGISTRY)[0].unlock(PASSPHRASE, store)


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX")
def test_only_the_owner_reads_the_file(tmp_path):
    assert stat.S_IMODE(make(tmp_path / "new" / "folder").file.path.stat().st_mode) == 0o600


def test_a_key_is_never_written_over(tmp_path):
    path = make(tmp_path).file.path
    before = path.read_bytes()
    with pytest.raises(UserError, match="already has a key on this machine"):
        make(tmp_path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("passphrase", ["", "short", "ninechars"])
def test_a_short_passphrase_is_refused_before_anything_is_made(tmp_path, passphrase):
    with pytest.raises(UserError, match="too short"):
        make(tmp_path, passphrase=passphrase)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Unreachable, match="key file cannot be written"):
        make(tmp_path / "file")


def test_a_full_disk_leaves_no_half_key(tmp_path, monkeypatch):
    def full(_handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unreachable, match="No space left"):
        make(tmp_path)
    assert list(tmp_path.iterdir()) == []


NAMES = ("v", "registry", "user_id", "key_id", "alg", "kdf", "m", "t", "p", "salt", "keyring", "nonce", "ct")
DAMAGES = {
    "empty": lambda v: b"", "not json": lambda v: b"{", "a list": lambda v: b"[]", "a number": lambda v: b"1",
    "not text": lambda v: b"\xff\xfe",
    **{f"without {name}": (lambda v, name=name: {k: x for k, x in v.items() if k != name}) for name in NAMES},
    **{f"{name}={value!r}": (lambda v, name=name, value=value: v | {name: value}) for name, value in (
        ("v", 2), ("v", True), ("alg", "rsa"), ("kdf", "md5"), ("m", 0), ("m", 2**40), ("m", "64"), ("m", 64.0),
        ("t", 0), ("t", 10**9), ("p", 0), ("p", 65), ("p", 64), ("salt", "***"), ("salt", ""), ("salt", None),
        ("nonce", "AAAA"), ("ct", "***"), ("ct", 5), ("keyring", "no"), ("more", 1))},
}


@pytest.mark.parametrize("damage", sorted(DAMAGES))
def test_a_damaged_file_is_named_not_a_crash(tmp_path, damage):
    path = make(tmp_path).file.path
    value = DAMAGES[damage](json.loads(path.read_bytes()))
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    with pytest.raises(UserError, match="damaged or not of this program") as refused:
        load_keys(tmp_path, REGISTRY)
    assert path.name in refused.value.detail


def test_a_cut_ciphertext_opens_nothing(tmp_path):
    path = make(tmp_path).file.path
    value = json.loads(path.read_bytes())
    path.write_text(json.dumps(value | {"ct": base64.b64encode(b"x").decode()}))
    with pytest.raises(Refused, match="passphrase is not right"):
        load_keys(tmp_path, REGISTRY)[0].unlock(PASSPHRASE, NoSecretStore())


def test_keys_of_other_registries_are_not_listed(tmp_path):
    make(tmp_path)
    assert load_keys(tmp_path, "another") == ()
    assert load_keys(tmp_path / "nowhere", REGISTRY) == ()


# ---- the keyring of the system


class InMemory(keyring.backend.KeyringBackend):
    priority = 1

    def __init__(self):
        super().__init__()
        self.found = {}

    def get_password(self, service, username):
        return self.found.get((service, username))

    def set_password(self, service, username, password):
        self.found[service, username] = password

    def delete_password(self, service, username):
        del self.found[service, username]


class Locked(InMemory):
    def get_password(self, service, username):
        raise keyring.errors.KeyringLocked("locked")

    def set_password(self, service, username, password):
        raise keyring.errors.PasswordSetError("locked")


@pytest.fixture
def system_keyring():
    before = keyring.get_keyring()
    yield keyring.set_keyring
    keyring.set_keyring(before)


def test_the_systems_keyring_keeps_a_secret(system_keyring):
    system_keyring(InMemory())
    assert SystemKeyring().get("k") is None
    assert SystemKeyring().set("k", b"\x00\xff")
    assert SystemKeyring().get("k") == b"\x00\xff"


def test_a_locked_keyring_cannot_be_made_with_and_is_said_when_signing(system_keyring, tmp_path):
    system_keyring(InMemory())
    made = make(tmp_path, SystemKeyring())
    system_keyring(Locked())
    assert not SystemKeyring().set("k", b"secret")
    with pytest.raises(Refused, match="keyring is locked"):
        made.file.unlock(PASSPHRASE, SystemKeyring())


def test_a_machine_without_a_keyring_keeps_nothing():
    assert NoSecretStore().get("k") is None
    assert not NoSecretStore().set("k", b"secret")


# ---- the signer


def test_a_signer_seals_each_payload_of_a_schedule(tmp_path):
    signer = Signer(tmp_path, REGISTRY, NoSecretStore(), CHEAP)
    made = signer.make(PERSON, PASSPHRASE)
    envelopes = signer.seal_each(PERSON, "t", [b'{"a":1}', b'{"a":2}'], PASSPHRASE)
    opened = [dsse.open_envelope(e, "t", {made.file.key_id: made.public_key}).payload for e in envelopes]
    assert opened == [b'{"a":1}', b'{"a":2}']
    assert signer.seal(PERSON, "t", b"{}", PASSPHRASE) == signer.seal_each(PERSON, "t", [b"{}"], PASSPHRASE)[0]


def test_who_has_no_key_here_is_told_so(tmp_path):
    signer = Signer(tmp_path, REGISTRY, NoSecretStore(), CHEAP)
    with pytest.raises(Refused, match="no key of yours on this machine"):
        signer.seal(PERSON, "t", b"{}", PASSPHRASE)
