"""One kept-alive connection to one server, under limits: how every byte of a source over HTTP comes in.

The trap of kept-alive connections: a server that sends headers and body in two packets waits, by Nagle's
algorithm, for the acknowledgement of the first, which the client delays by some 44 ms. `TCP_QUICKACK` cures it
but switches itself off, so it is set again after each request is sent. Where the platform has no such option a
plain HTTP connection is opened anew for every request, which costs less than the wait.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import math
import queue
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, unquote, urljoin, urlsplit

from desktop_app.domain.canonical import record, sha256
from desktop_app.errors import Unreachable, UserError
from desktop_app.progress import Progress

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
POLL = 0.1  # seconds between looks at whether the person asked to stop
JSON_LIMIT = 64 * 2**20  # bytes of one reply
REDIRECTS = 3
PATIENCE = 10  # a reply may take this many time-outs altogether, however steadily it drips
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)
_PORTS = {"http": 80, "https": 443}


@record
class Address:
    """Where a server is, without credentials. `base` ends without a slash."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def base(self) -> str:
        """The address as a URL without credentials; a port is left out where it is the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """What must stay the same for a request to go to the same server."""
        return self.scheme, self.host, self.port

    @property
    def digest16(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the normalised address."""
        return sha256(self.base.encode())[:16]

    @property
    def loopback(self) -> bool:
        """Whether the server is on this machine: then no proxy of the environment is used."""
        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return self.host == "localhost"


def parse_address(uri: str) -> tuple[Address, tuple[str, str] | None]:
    """The normalised address and the credentials (user, password) in an http(s) URI. Raises ValueError."""
    if any(c.isspace() or not c.isprintable() for c in uri):
        raise ValueError("it contains spaces or control characters")
    parts = urlsplit(uri)
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not parts.hostname:
        raise ValueError("it does not name a server")
    if parts.query or parts.fragment:
        raise ValueError("it has a query or a fragment")
    address = Address(scheme=scheme, host=parts.hostname.lower(), port=parts.port or _PORTS[scheme],
                      path=parts.path.rstrip("/"))
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return address, auth


class HttpStatus(Exception):
    """The server refused a request; stays in this room. `code` is its error code, "" where it gave none."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code, self.message = status, code, message


class Wire:
    """A connection to `address`. One thread at a time; `break_off` may be called from another."""

    def __init__(self, address: Address, what: str, *, timeout: float, headers: Mapping[str, str],
                 auth: tuple[str, str] | None) -> None:
        import httpx

        self.address, self.what, self.timeout = address, what, timeout
        self._socket: Any = None
        self._broken = False
        keep = None if _QUICKACK is not None or address.scheme == "https" else 0
        try:
            self._client = httpx.Client(
                timeout=timeout, auth=auth, headers={"Accept-Encoding": "identity"} | dict(headers),
                follow_redirects=False, trust_env=not address.loopback, verify=address.scheme == "https",
                limits=httpx.Limits(max_connections=1, max_keepalive_connections=keep))
        except (OSError, ValueError, httpx.InvalidURL) as error:  # certificates or proxy of the environment
            raise self._down(address.base, f"The connection cannot be set up: {error}") from error

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()

    def break_off(self) -> None:
        """Makes a request that is under way in another thread fail at once."""
        self._broken = True
        with contextlib.suppress(OSError, AttributeError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def json(self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None) -> Any:
        """The JSON reply to a request. Raises HttpStatus for a refusal, Unreachable or UserError for the rest."""
        with self.open(method, path, params=params, body=body) as response:
            data = b"".join(self.chunks(response, JSON_LIMIT))
        if response.status_code >= 400:
            raise _refusal(response.status_code, data)
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise self.nonsense(path, _not_json(data)) from error

    @property
    def broken(self) -> bool:
        """Whether `break_off` was called: this wire is of no more use."""
        return self._broken

    @contextlib.contextmanager
    def open(self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None,
             content: bytes | None = None) -> Iterator[httpx.Response]:
        """A reply whose body is still to be read with `chunks`; redirects within the server are followed.

        body: sent as JSON · content: sent as it is.
        """
        import httpx

        asked = self.address.base + path
        url = httpx.URL(asked, params=dict(params) if params else None)
        try:
            for _ in range(REDIRECTS + 1):
                if self._broken:
                    raise httpx.ReadError("broken off")
                with self._client.stream(
                        method, url, json=body, content=content, extensions={"trace": self._trace}) as response:
                    if not response.is_redirect:
                        yield response
                        return
                    url = httpx.URL(self._redirect(method, asked, url, response))
            raise self.nonsense(path, "It sends the request round in circles.")
        except httpx.TimeoutException as error:
            raise self._slow(asked) from error
        except httpx.HTTPError as error:
            raise self._down(asked, str(error) or type(error).__name__) from error
        except (httpx.InvalidURL, httpx.StreamError, UnicodeError) as error:
            raise self.nonsense(path, str(error)) from error

    def chunks(self, response: httpx.Response, limit: int, *, patience: float | None = PATIENCE) -> Iterator[bytes]:
        """The body in pieces. Raises UserError beyond `limit` bytes, Unreachable when it drips for too long.

        `patience`: how many time-outs it may take altogether; None for a file, which may be as long as it is.
        """
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise self.nonsense(response.url.path, "It sent a compressed reply that was not asked for.")
        end, size = math.inf if patience is None else time.monotonic() + patience * self.timeout, 0
        for chunk in response.iter_raw():
            size += len(chunk)
            if size > limit:
                raise self.nonsense(response.url.path, f"The reply is larger than {limit // 2**20} MiB.")
            if time.monotonic() > end:
                raise self._slow(f"{self.address.base}{response.url.path}")
            yield chunk

    def nonsense(self, path: str, detail: str) -> UserError:
        """The error for a reply that cannot be what the server was asked for."""
        return UserError(
            f"The {self.what} at {self.address.base} gave an answer that cannot be used.",
            f"Asked: {self.address.base}{path}\n{detail}",
            f"Check that the address is that of the {self.what} itself (not of a log-in page or another program), "
            "then try again.")

    def _redirect(self, method: str, asked: str, url: Any, response: httpx.Response) -> str:
        target: str = urljoin(str(url), response.headers.get("location", ""))
        try:
            where = parse_address(urlsplit(target)._replace(query="", fragment="").geturl())[0]
        except ValueError:
            where = None
        if method == "GET" and where is not None and where.origin == self.address.origin:
            return target
        place = where.base if where else "no address that can be used"
        raise UserError(
            f"The {self.what} at {self.address.base} sends us elsewhere; that is not followed.",
            f"Asked: {asked}\nIt answered with a redirect to {place}.",
            "If that is the right server, give its address instead.")

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Keeps the socket at hand and asks for quick acknowledgements once a request has been sent."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._socket = info["return_value"].get_extra_info("socket")
        elif event == "http11.receive_response_headers.started" and _QUICKACK is not None:
            with contextlib.suppress(OSError, AttributeError):
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def _slow(self, asked: str) -> Unreachable:
        return Unreachable(
            f"The {self.what} at {self.address.base} took too long to answer.",
            f"Asked: {asked}\nNo complete answer within {self.timeout:g} s without a pause.",
            "Try again when the server is less busy, or allow more time.")

    def _down(self, asked: str, reason: str) -> Unreachable:
        return Unreachable(
            f"The {self.what} at {self.address.base} cannot be reached.", f"Asked: {asked}\n{reason}",
            "Check the address, that the server is running, and that this machine may reach it.")


def _refusal(status: int, data: bytes) -> HttpStatus:
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        said = {}
    said = said if isinstance(said, dict) else {}
    code, message = said.get("error_code", ""), said.get("message", "")
    return HttpStatus(status, code if isinstance(code, str) else "", message[:500] if isinstance(message, str) else "")


def _not_json(data: bytes) -> str:
    head = data[:200].decode("utf-8", "replace").strip()
    kind = "a web page" if head[:1] == "<" else "nothing" if not head else "something else"
    return f"Expected JSON, received {kind}."


def path_quote(path: str) -> str:
    """A path within a URL, every character but "/" that could mean something else escaped."""
    return quote(path, safe="/")


class Lines:
    """A few wires to one server, used side by side by threads of their own, so that the caller can be stopped."""

    def __init__(self, make: Callable[[], Wire], count: int) -> None:
        self._make, self._count = make, count
        self._wires = [make()]
        self._idle: queue.SimpleQueue[Wire] = queue.SimpleQueue()
        self._idle.put(self._wires[0])
        self._pool = ThreadPoolExecutor(count, "source")

    def together(self, tasks: Sequence[Callable[[Wire], T]], progress: Progress, status: str) -> list[T]:
        """The results of the tasks in their order. The first error, or Cancelled, breaks off the others."""
        while len(self._wires) < min(self._count, len(tasks)):
            self._wires.append(self._make())
            self._idle.put(self._wires[-1])
        futures = [self._pool.submit(self._run, task) for task in tasks]
        try:
            waiting: set[Future[T]] = set(futures)
            while waiting:
                done, waiting = wait(waiting, timeout=POLL, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                progress.step(1 - len(waiting) / len(futures), status)
        except BaseException:
            self.break_off()
            raise
        return [future.result() for future in futures]

    def alone(self, task: Callable[[Wire], T]) -> T:
        """The result of one task in the caller's own thread."""
        return self._run(task)

    def close(self) -> None:
        """Closes every wire; no task may be under way."""
        self._pool.shutdown()
        for wire in self._wires:
            wire.close()

    def break_off(self) -> None:
        """Stops what is under way without waiting for it; each thread closes the wire it holds."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for wire in self._wires:
            wire.break_off()
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    @property
    def broken(self) -> bool:
        """Whether these lines were broken off."""
        return self._wires[0].broken

    def _run(self, task: Callable[[Wire], T]) -> T:
        wire = self._idle.get()
        try:
            return task(wire)
        finally:
            if wire.broken:
                wire.close()
            else:
                self._idle.put(wire)
