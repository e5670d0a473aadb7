"""A line between a client and a server that can be cut at a chosen moment of what they say to each other."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

APPEND, COMMIT = b"assaydesk.append(", b"COMMIT\0"  # what the program says at the two moments that matter


class Line:
    """Carries connections from a port of this machine to a server's socket.

    cut_at(words): the next time a client says these words they are not carried and the line is cut.
    cut_after(words): they are carried, and the line is cut in place of the answer.
    since: words that the client must have said on this connection before.
    down: nobody is let through.
    """

    def __init__(self, server: str) -> None:
        self.server, self.down, self.cuts = server, False, 0
        self._at = self._after = self._since = b""
        self.then = lambda: None  # called when it was cut, before the client learns of it
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._kept_back: dict[tuple[socket.socket, socket.socket], bool] = {}
        self._threads: list[threading.Thread] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._start(self._accept)

    def cut_at(self, words: bytes, since: bytes = b"") -> None:
        self._at, self._since = words, since

    def cut_after(self, words: bytes, since: bytes = b"") -> None:
        self._after, self._since = words, since

    def cut(self) -> None:
        """Every connection, now."""
        for pair in list(self._pairs):
            self._end(*pair)

    def close(self) -> None:
        self._shut(self._listening)
        self.cut()
        for thread in self._threads:
            thread.join(10)

    def _start(self, work, *what) -> None:
        thread = threading.Thread(target=work, args=what)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                if self.down:
                    raise OSError
                server.connect(self.server)
            except OSError:
                self._shut(client)
                self._shut(server)
                continue
            self._pairs.append((client, server))
            self._start(self._ask, client, server)
            self._start(self._answer, client, server)

    def _ask(self, client, server) -> None:
        said = False
        with suppress(OSError):
            while data := client.recv(1 << 20):
                said = said or bool(self._since and self._since in data)
                since = said or not self._since
                if since and self._at and self._at in data:
                    self._at = b""
                    self._cut_now(client, server)
                    break
                if since and self._after and self._after in data:
                    self._after = b""
                    self._kept_back[client, server] = True
                    self._pairs.remove((client, server))
                    server.sendall(data)
                    break  # the answer is waited for, and kept back, by `_answer`
                server.sendall(data)
            else:
                self._end(client, server)
            return
        self._end(client, server)

    def _answer(self, client, server) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 20):
                if (client, server) in self._kept_back:
                    break
                client.sendall(data)
        if (client, server) in self._pairs:  # else it is being cut
            self._end(client, server)
        elif self._kept_back.pop((client, server), False):
            self._cut_now(client, server)

    def _cut_now(self, client, server) -> None:
        self.cuts += 1
        if (client, server) in self._pairs:
            self._pairs.remove((client, server))
        self._shut(server)
        self.then()
        self._end(client, server)

    def _end(self, *pair) -> None:
        if pair in self._pairs:
            self._pairs.remove(pair)
        for end in pair:
            self._shut(end)

    @staticmethod
    def _shut(end: socket.socket) -> None:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
