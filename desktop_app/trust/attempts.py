"""Rising delays after wrong passphrases: counted for each key file of this machine, in a small file beside it.

They stand in the way of guessing through this program. Whoever copies the key file guesses without it; there the cost
of Argon2id and the secret in the keyring are the defence.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from desktop_app.domain import canonical
from desktop_app.errors import Refused, Unreachable

FREE = 2  # failures without a delay
MOST = 300  # seconds
_FAR = 1 << 30  # of the byte that is locked on Windows: past the end of any key file, which stays readable


class WrongPassphrase(Refused):
    """The one failure that counts."""

    def __init__(self, more: str = "") -> None:
        super().__init__("The passphrase is not right.", f"Nothing was signed.{more}",
                         "Type it again. A forgotten passphrase cannot be recovered: enrol a new key.")


class Failures(NamedTuple):
    """How often in a row, and when last."""

    times: int = 0
    last: datetime | None = None

    def left(self, now: datetime) -> timedelta:
        """How long until the next attempt: 0, 0, 2, 4, 8 … seconds after the last failure, at most 5 minutes."""
        if self.last is None or self.times <= FREE:
            return timedelta()
        whole = timedelta(seconds=min(MOST, 2 ** min(self.times - FREE, 16)))
        return max(timedelta(), min(whole, self.last + whole - now))  # a clock set back makes nobody wait longer


@contextmanager
def counted(key: Path, key_id: str, clock: Callable[[], datetime]) -> Iterator[None]:
    """One attempt at a key, alone: other programs wait for its end. `WrongPassphrase` counts, success clears.

    The failure is written down before the attempt, so that a program that is ended in the middle gains nothing.
    Raises Refused with the time left while the delay runs; Unreachable when the count cannot be kept.
    """
    place = key.with_name(f"{key_id}.tries")
    with _alone(key):
        before, now = _read(place), clock()
        if before.last is not None and before.last > now:  # the clock was set back: count from now
            before = Failures(before.times, now)
            _write(place, before)
        if left := before.left(now):
            raise Refused("It is too early for another attempt.",
                          f"After {before.times:,} wrong passphrases there is a delay; {_words(left)} are left. "
                          "Nothing was signed.", "Wait, then type the passphrase again.")
        _write(place, Failures(before.times + 1, now))
        try:
            yield
        except WrongPassphrase as error:
            failed = Failures(before.times + 1, clock())  # the delay begins when the person is told
            _write(place, failed)
            if wait := failed.left(failed.last or now):
                raise WrongPassphrase(f" Wrong {failed.times:,} times in a row: the next attempt can be made in "
                                      f"{_words(wait)}.") from error
            raise
        except Exception:
            _write(place, before)
            raise
        _write(place, Failures())


def _words(time: timedelta) -> str:
    seconds = -(-time // timedelta(seconds=1))
    if seconds < 60:
        return f"{seconds} second{'s' * (seconds != 1)}"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min" + (f" {rest} s" if rest else "")


def _read(place: Path) -> Failures:
    try:
        found = json.loads(place.read_bytes())
        return Failures(max(0, int(found["failed"])), canonical.parse_utc(found["last"]))
    except FileNotFoundError:
        return Failures()
    except (OSError, ValueError, KeyError, TypeError):  # cut off by a crash, or edited: as if one failure just counted
        return Failures(FREE + 1, None)


def _write(place: Path, failures: Failures) -> None:
    try:
        if failures.last is None:
            place.unlink(missing_ok=True)
            return
        made = place.with_name(f"{place.name}.new")
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(canonical.jcs({"v": 1, "failed": failures.times, "last": canonical.utc_text(failures.last)}))
            out.flush()
            os.fsync(out.fileno())
        made.replace(place)
    except OSError as error:
        raise Unreachable("The key cannot be used: attempts at it cannot be counted.", f"{place.name}: {error}",
                          "Free some space, or check who may write in the folder of the keys.") from error


@contextmanager
def _alone(key: Path) -> Iterator[None]:
    """Nobody else attempts this key meanwhile, in this program or in another."""
    try:
        handle = key.open("rb")
    except OSError as error:
        raise Unreachable("The key file cannot be read.", f"{key}: {error}", "Check the folder of the keys.") from error
    with handle:
        _lock(handle.fileno())
        yield  # closing the file lets go


if os.name == "nt":
    import msvcrt  # the lock of files there
    import time

    def _lock(handle: int) -> None:
        os.lseek(handle, _FAR, os.SEEK_SET)
        while True:
            try:
                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
            except OSError:
                time.sleep(0.05)
            else:
                return
else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)
