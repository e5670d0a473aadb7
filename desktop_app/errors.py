"""What can go wrong and be mended by a person. Everything else that is raised is a bug and says so.

An error is sorted by who can act on it; the command line turns the class into its exit code (DESIGN §7),
the window shows title, detail and remedy. `Cancelled` is not an error and is shown nowhere.
"""

from __future__ import annotations


class Cancelled(Exception):
    """The person asked the job to stop; nothing is reported."""


class UserError(Exception):
    """Wrong input or a wrong moment: says what is wrong, why, and what to do.

    title: one sentence, what is wrong · detail: the facts · remedy: what the person can do.
    """

    exit_code = 2

    def __init__(self, title: str, detail: str = "", remedy: str = "") -> None:
        super().__init__(title)
        self.title, self.detail, self.remedy = title, detail, remedy

    def __str__(self) -> str:
        return "\n".join(part for part in (self.title, self.detail, self.remedy) if part)


class NotFound(UserError):
    """The thing asked for is not in the registry."""


class Refused(UserError):
    """A rule of the registry says no: separation of duties, a missing role, a gate, a failed check."""

    exit_code = 1


class StaleError(Refused):
    """What is stored now differs from what the person saw; `differences` says how, one line each."""

    def __init__(self, title: str, differences: tuple[str, ...], remedy: str) -> None:
        super().__init__(title, "\n".join(differences), remedy)
        self.differences = differences


class Unreachable(UserError):
    """A registry or source cannot be reached, opened or written to."""

    exit_code = 3


class Damaged(Unreachable):
    """A registry holds something that was edited past the program, or was damaged."""


class Lost(Unreachable):
    """The registry is away or busy for the moment, and nothing was recorded: the same may be tried again."""


class Pending(Unreachable):
    """The registry went away before it said whether a write was recorded; the outbox keeps it until that is known."""
