"""Asking an MLflow server: one request with its errors in plain words, and listings page by page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

from desktop_app.errors import Unreachable, UserError
from desktop_app.sources import mlflow_reply as reply
from desktop_app.sources.http_wire import HttpStatus, Wire

T = TypeVar("T")
API = "/api/2.0/mlflow"
MAX_PAGES = 2_000
_MISSING = ("RESOURCE_DOES_NOT_EXIST", "ENDPOINT_NOT_FOUND", "")  # "": a server of before logged models


def ask(wire: Wire, path: str, parse: Callable[[Any], T], *, params: dict[str, Any] | None = None, body: Any = None,
        absent: Callable[[], T] | None = None) -> T:
    """The parsed reply to GET, or to POST where there is a body; `absent()` for what the server does not have."""
    try:
        return parse(wire.json("GET" if body is None else "POST", path, params=params, body=body))
    except HttpStatus as error:
        if absent is not None and error.status == 404 and error.code in _MISSING:
            return absent()
        raise refused(wire, path, error) from error
    except reply.Misshapen as error:
        raise wire.nonsense(path, f"Not what MLflow sends: {error}.") from error


def refused(wire: Wire, path: str, error: HttpStatus) -> UserError:
    """A server's refusal in plain words."""
    said = f'\nIt said: {reply.clipped(error.message)}' if error.message else ""
    detail = f"Asked: {wire.address.base}{path}\nIt answered with status {error.status} {error.code}.{said}"
    name = f"The {wire.what} at {wire.address.base}"
    if error.status in (401, 403):
        return Unreachable(
            f"{name} refuses access.", detail,
            "Ask its administrator for read access, then set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, "
            "or MLFLOW_TRACKING_TOKEN, before starting again.")
    if error.status >= 500 or error.status == 429:
        return Unreachable(f"{name} failed on a request.", detail,
                           "Try again later, or show this to its administrator.")
    if error.status == 404 and error.code != "RESOURCE_DOES_NOT_EXIST":
        return UserError(f"There is no MLflow server at {wire.address.base}.", detail,
                         "Give the address that is set as the tracking URI in MLflow, with its path if it has one.")
    return UserError(f"{name} refused a request.", detail, "Check that it is an MLflow server of version 2 or 3.")


class Pages(Generic[T]):
    """A listing, page by page. Its token is followed at most MAX_PAGES times and never twice."""

    def __init__(self, path: str, key: str, parse: Callable[[dict[str, Any]], T], *, post: bool = False,
                 **asked: Any) -> None:
        self.token = ""
        self._path, self._key, self._parse, self._post, self._asked = API + path, key, parse, post, asked
        self._tokens: set[str] = set()

    def next(self, wire: Wire) -> list[T]:
        """The next page; `token` is empty when it was the last."""
        found, token = self._page(wire, self._asked)
        if token and (not found or token in self._tokens or len(self._tokens) >= MAX_PAGES):
            raise wire.nonsense(self._path, "The list never comes to an end.")
        self._tokens.add(token)
        self.token = token
        return found

    def peek(self, wire: Wire) -> list[T]:
        """The first entry of the next page, which is not gone to."""
        return self._page(wire, self._asked | {"max_results": 1})[0]

    def all(self, wire: Wire, *, until: Callable[[list[T]], bool] = lambda page: False) -> list[T]:
        """Every entry, or those up to the first page for which `until` holds."""
        found = page = self.next(wire)
        while self.token and not until(page):
            page = self.next(wire)
            found = found + page
        return found

    def _page(self, wire: Wire, asked: dict[str, Any]) -> tuple[list[T], str]:
        asked = asked | ({"page_token": self.token} if self.token else {})
        sent: dict[str, Any] = {"body": asked} if self._post else {"params": asked}
        read = partial(reply.page, key=self._key, parse=self._parse)
        found: tuple[list[T], str] = ask(wire, self._path, read, **sent)
        return found
