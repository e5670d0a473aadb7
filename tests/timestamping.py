"""A timestamping authority of our own: certificates made with `openssl`, answers given by `openssl ts` over HTTP."""

from __future__ import annotations

import shutil
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONFIG = """
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[stamping]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[web]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = critical,serverAuth
[tsa]
default_tsa = own
[own]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
certs = {folder}/chain.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_chain = no
"""


def why_not() -> str:
    """Why there can be none here; empty when there can."""
    return "" if shutil.which("openssl") else "openssl is not installed here"


class Authority:
    """root: the certificate to trust · url: where it answers, while it does · answer: what it answers instead."""

    def __init__(self, folder: Path, name: str = "Test authority") -> None:
        self.folder, self.url = folder, ""
        self.answer = None
        folder.mkdir(exist_ok=True)
        (folder / "config").write_text(CONFIG.format(folder=folder))
        (folder / "serial").write_text("01")
        self._make("root", f"/CN={name} root", "ca", None)
        self._make("between", f"/CN={name} intermediate", "ca", "root")
        self._make("tsa", f"/O=Test/CN={name}", "stamping", "between")
        (folder / "chain.pem").write_bytes((folder / "between.pem").read_bytes())

    @property
    def root(self) -> Path:
        return self.folder / "root.pem"

    def _make(self, name: str, subject: str, extensions: str, issuer: str | None, *more: str) -> None:
        by = ("-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key") if issuer else ()
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                f"{name}.key", "-out", f"{name}.pem", "-subj", subject, "-days", "3650", "-config", "config",
                "-extensions", extensions, *by, *more, folder=self.folder)

    def reply(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        openssl("ts", "-reply", "-queryfile", "query", "-out", "reply", "-config", "config", folder=self.folder)
        return (self.folder / "reply").read_bytes()


def openssl(*words: str, folder: Path) -> str:
    return subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


@contextmanager
def answering(authority: Authority):
    """Until the block ends, over HTTP."""
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            query = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/timestamp-query"
            status, data = (authority.answer or (lambda q: (200, authority.reply(q))))(query)
            self.send_response(status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    authority.url = f"http://127.0.0.1:{server.server_port}/tsr"
    try:
        yield authority
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
