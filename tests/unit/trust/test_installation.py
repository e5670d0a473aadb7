"""The key of an installation and what it remembers: kept whole, for this user only, and refused when changed."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime

import pytest

from desktop_app.errors import Refused, Unreachable, UserError
from desktop_app.trust.checkpoint import Checkpoint, read_key
from desktop_app.trust.installation import Installation, Memory
from desktop_app.trust.keys import NoSecretStore
from desktop_app.trust.log import Tree, leaf_hash

AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


class Keyring:
    """A keyring in memory."""

    def __init__(self):
        self.kept = {}

    def get(self, name):
        return self.kept.get(name)

    def set(self, name, secret):
        self.kept[name] = secret
        return True


def memory(size=5, registry="r1"):
    tree = Tree().extend(leaf_hash(bytes([n])) for n in range(size))
    return Memory(registry, size, tuple(tree.peaks), "a" * 64, AT, AT)


@pytest.fixture(params=["keyring", "no keyring"])
def secrets(request):
    return Keyring() if request.param == "keyring" else NoSecretStore()


def test_the_key_is_made_once_and_is_this_users_only(tmp_path, secrets):
    here = Installation(tmp_path / "home", secrets)
    key = here.key()
    assert Installation(tmp_path / "home", secrets).key() == key == read_key(key.line)
    if os.name != "nt":
        assert stat.S_IMODE((tmp_path / "home" / "installation.json").stat().st_mode) == 0o600
    assert here.guarded_by.startswith("the system's keyring" if isinstance(secrets, Keyring) else "a file")


def test_it_signs_and_cosigns_with_that_key(tmp_path, secrets):
    here = Installation(tmp_path, secrets)
    made = here.cosign(here.sign(Checkpoint.of("r1", 1, bytes(32))), AT)
    assert [made.note.holds(key) for key in here.key().both()] == [True, True]
    assert made.note.signatures[-1].time() == AT


def test_two_that_make_the_key_at_once_have_the_same(tmp_path, secrets):
    first, second = Installation(tmp_path, secrets), Installation(tmp_path, secrets)
    second._make(tmp_path / "installation.json")
    kept = (tmp_path / "installation.json").read_bytes()
    first._make(tmp_path / "installation.json")
    assert (tmp_path / "installation.json").read_bytes() == kept
    assert [p.name for p in tmp_path.iterdir()] == ["installation.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"v":1,"seed":"AAAA","keyring":false}', '{"v":1,"seed":5}'])
def test_a_damaged_key_is_said_and_not_made_anew(tmp_path, text):
    (tmp_path / "installation.json").write_text(text)
    with pytest.raises(UserError, match="key of this installation is damaged"):
        Installation(tmp_path, NoSecretStore()).key()
    assert (tmp_path / "installation.json").read_text() == text


def test_what_was_remembered_is_recalled(tmp_path, secrets):
    here = Installation(tmp_path, secrets)
    assert here.recall("r1") is None
    here.remember(memory())
    here.remember(memory(9))
    assert Installation(tmp_path, secrets).recall("r1") == memory(9)
    assert here.recall("r2") is None
    assert here.recall("../../r1") is None
    assert len(list((tmp_path / "logs").iterdir())) == 1


def changed(**values):
    return lambda found: found | values


@pytest.mark.parametrize("change", [
    changed(size=4, peaks=["00" * 32]), changed(head="b" * 64), changed(peaks=["00" * 32, "11" * 32]),
    changed(registry="r2"), changed(mac="0" * 64), changed(mac=5), changed(size="x"), changed(peaks=[]),
    changed(first="yesterday"), lambda found: {}, lambda found: [], lambda found: {k: found[k] for k in ("v", "mac")}])
def test_what_was_changed_past_the_program_is_refused(tmp_path, secrets, change):
    here = Installation(tmp_path, secrets)
    here.remember(memory())
    (place,) = (tmp_path / "logs").iterdir()
    place.write_text(json.dumps(change(json.loads(place.read_text()))))
    with pytest.raises(Refused, match="changed past the program"):
        here.recall("r1")


def test_the_memory_of_one_registry_is_not_taken_for_anothers(tmp_path, secrets):
    here = Installation(tmp_path, secrets)
    here.remember(memory())
    (place,) = (tmp_path / "logs").iterdir()
    here.remember(memory(registry="r2"))
    (other,) = set((tmp_path / "logs").iterdir()) - {place}
    other.write_bytes(place.read_bytes())
    with pytest.raises(Refused):
        here.recall("r2")


def test_without_its_secret_in_the_keyring_nothing_is_believed(tmp_path):
    Installation(tmp_path, Keyring()).remember(memory())
    with pytest.raises(Refused, match="cannot be checked"):
        Installation(tmp_path, Keyring()).recall("r1")
    with pytest.raises(Refused, match="cannot be checked"):
        Installation(tmp_path, NoSecretStore()).recall("r1")


def test_a_keyring_keeps_out_whoever_can_only_write_files(tmp_path):
    """Whoever copies the key file cannot seal a memory of their own: the other half is in the keyring."""
    keyring = Keyring()
    Installation(tmp_path, keyring).remember(memory())
    attacker = Installation(tmp_path, NoSecretStore())
    own = json.loads((tmp_path / "installation.json").read_text())
    (tmp_path / "installation.json").write_text(json.dumps(own | {"keyring": False}))
    attacker.remember(memory(4))
    (tmp_path / "installation.json").write_text(json.dumps(own))
    with pytest.raises(Refused, match="changed past the program"):
        Installation(tmp_path, keyring).recall("r1")


def test_what_is_put_aside_is_kept(tmp_path, secrets):
    here = Installation(tmp_path, secrets)
    assert here.set_aside("r1", AT) is None
    here.remember(memory())
    aside = here.set_aside("r1", AT)
    assert "set-aside" in aside.name
    assert aside.exists()
    assert here.recall("r1") is None


def test_a_folder_that_cannot_be_written_is_said(tmp_path, secrets):
    (tmp_path / "home").write_text("a file")
    with pytest.raises(Unreachable, match="cannot be written"):
        Installation(tmp_path / "home", secrets).key()
