"""Rising delays after wrong passphrases: kept beside the key file, for every program on this machine."""

from __future__ import annotations

import json
import multiprocessing
from datetime import UTC, datetime, timedelta

import pytest

from desktop_app.errors import Refused, Unreachable
from desktop_app.trust.attempts import Failures, WrongPassphrase, counted
from desktop_app.trust.keys import NoSecretStore
from desktop_app.trust.signer import Signer
from tests.desk import CHEAP, PASSPHRASE

PERSON, REGISTRY = "01900000-0000-7000-8000-000000000001", "01900000-0000-7000-8000-00000000000a"


class Hands:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.now = datetime(2026, 11, 21, 11, tzinfo=UTC)

    def __call__(self):
        return self.now

    def go_on(self, seconds):
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def hands():
    return Hands()


@pytest.fixture
def signer(tmp_path, hands):
    made = Signer(tmp_path, REGISTRY, NoSecretStore(), CHEAP, hands)
    made.make(PERSON, PASSPHRASE)
    return made


def again(signer, hands):
    """The same keys in another program."""
    return Signer(signer.folder, REGISTRY, NoSecretStore(), CHEAP, hands)


def fail(signer):
    with pytest.raises(WrongPassphrase) as refused:
        signer.check(PERSON, "not the passphrase")
    return refused.value.detail


def test_the_delays_are_0_0_2_4_8_up_to_five_minutes(signer, hands):
    for wanted in (0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300):
        said = fail(again(signer, hands))
        if wanted:
            hands.go_on(wanted - 0.001)
            with pytest.raises(Refused, match="too early") as refused:
                again(signer, hands).check(PERSON, PASSPHRASE)  # the right one too: it would tell that it is right
            assert "1 second" in refused.value.detail
            hands.go_on(0.001)
        else:
            assert "next attempt" not in said
    again(signer, hands).check(PERSON, PASSPHRASE)


def test_the_message_says_how_long(signer, hands):
    fail(signer)
    fail(signer)
    assert fail(signer).endswith("Wrong 3 times in a row: the next attempt can be made in 2 seconds.")
    for wait in (2, 4, 8, 16, 32, 64):
        hands.go_on(wait)
        said = fail(signer)
    assert said.endswith("in 2 min 8 s.")
    with pytest.raises(Refused, match="too early") as refused:
        signer.seal(PERSON, "t", b"{}", PASSPHRASE)
    assert refused.value.detail.startswith("After 9 wrong passphrases there is a delay; 2 min 8 s are left.")


def test_success_clears(signer, hands):
    for _ in range(2):
        fail(signer)
    signer.check(PERSON, PASSPHRASE)
    assert not list(signer.folder.glob("*.tries"))
    for _ in range(2):
        assert "next attempt" not in fail(signer)


def test_only_a_wrong_passphrase_counts(signer, hands):
    file = signer.key_of(PERSON)
    for _ in range(2):
        fail(signer)
    for _ in range(5):
        with pytest.raises(Refused, match="locked"), counted(file.path, file.key_id, hands):
            raise Refused("The system's keyring is locked or cannot be read.")
    assert "in 2 seconds" in fail(signer)


def test_a_program_that_is_ended_in_the_middle_gains_nothing(signer, hands):
    file = signer.key_of(PERSON)
    for _ in range(3):
        attempt = counted(file.path, file.key_id, hands)
        attempt.__enter__()
        attempt.gen.close()  # as after kill: neither right nor wrong was heard of
    with pytest.raises(Refused, match="too early"):
        signer.check(PERSON, PASSPHRASE)


def test_a_clock_set_back_neither_opens_nor_shuts_for_longer(signer, hands):
    for _ in range(3):
        fail(signer)
    hands.go_on(-86_400)
    with pytest.raises(Refused, match="2 seconds are left"):
        signer.check(PERSON, PASSPHRASE)
    hands.go_on(2)
    signer.check(PERSON, PASSPHRASE)


def test_a_damaged_count_is_taken_as_one_above_the_free_ones(signer, hands):
    file = signer.key_of(PERSON)
    place = file.path.with_name(f"{file.key_id}.tries")
    for damaged in (b"", b"[]", b'{"v":1,"failed":"x","last":1}'):
        place.write_bytes(damaged)
        assert "Wrong 4 times" in fail(signer)
        assert json.loads(place.read_bytes())["failed"] == 4


def test_a_new_key_in_the_same_place_begins_anew(signer, hands):
    for _ in range(5):
        try:
            signer.check(PERSON, "not the passphrase")
        except Refused:
            hands.go_on(60)
    signer.key_of(PERSON).path.unlink()
    signer.make(PERSON, PASSPHRASE)
    signer.check(PERSON, PASSPHRASE)


def test_where_nothing_can_be_counted_the_key_is_not_tried(signer, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("desktop_app.trust.attempts.os.fsync", full)
    with pytest.raises(Unreachable, match="cannot be counted"):
        signer.check(PERSON, PASSPHRASE)


def test_a_key_file_that_went_away_is_said(tmp_path, hands):
    with pytest.raises(Unreachable, match="cannot be read"), counted(tmp_path / "gone", "k", hands):
        pass


def _guess(folder, instant, said, start):
    signer = Signer(folder, REGISTRY, NoSecretStore(), CHEAP, lambda: instant)
    start.wait()
    try:
        signer.check(PERSON, "not the passphrase")
    except WrongPassphrase:
        said.put("tried")
    except Refused:
        said.put("refused")


def test_programs_at_the_same_time_cannot_pass(signer, hands):
    """At one instant, of six programs three may try: the two free ones and the one that starts the delay."""
    context = multiprocessing.get_context("spawn")
    said, start = context.Queue(), context.Barrier(6)
    guessing = [context.Process(target=_guess, args=(signer.folder, hands.now, said, start)) for _ in range(6)]
    for each in guessing:
        each.start()
    outcomes = sorted(said.get(timeout=60) for _ in guessing)
    for each in guessing:
        each.join()
    assert outcomes == ["refused"] * 3 + ["tried"] * 3


def test_the_delay_in_numbers():
    at = datetime(2026, 11, 21, tzinfo=UTC)
    assert [Failures(n, at).left(at).seconds for n in (1, 2, 3, 4, 10, 11, 10_000)] == [0, 0, 2, 4, 256, 300, 300]
    assert Failures(3, at).left(at + timedelta(seconds=5)) == timedelta()
