"""Getting in: passwords, certificates, names in certificates. Each refusal in a person's terms, and nothing sent."""

from __future__ import annotations

import datetime
import ipaddress
import os
import socket
from contextlib import closing

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from desktop_app.errors import Unreachable
from desktop_app.registry.store import create_store, open_store
from tests import postgres as throw_away

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


def certificate(name, signed_by=None, *, until=NOW + DAY, hosts=()):
    """A key and its certificate, by an authority of its own or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, issuing = (signed_by[1].subject, signed_by[0]) if signed_by else (subject, key)
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(NOW - 30 * DAY).not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=signed_by is None, path_length=None), critical=True))
    if hosts:
        names = [x509.IPAddress(ipaddress.ip_address(h)) if h[0].isdigit() else x509.DNSName(h) for h in hosts]
        made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return key, made.sign(issuing, hashes.SHA256())


def pem(found):
    return found.public_bytes(serialization.Encoding.PEM)


class Guarded:
    """A server that asks for passwords on a loopback port and shows a certificate."""

    def __init__(self, server, port, folder):
        self.server, self.port, self.folder = server, port, folder
        self.authority = certificate("Test authority")
        (folder / "root.crt").write_bytes(pem(self.authority[1]))
        (folder / "other.crt").write_bytes(pem(certificate("Somebody else")[1]))

    def show(self, **what):
        """Show another certificate from now on."""
        key, made = certificate("registry", self.authority, **what)
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                    serialization.NoEncryption())
        for name, data in (("server.crt", pem(made)), ("server.key", private)):
            path = self.server.data / name
            path.unlink(missing_ok=True)
            path.write_bytes(data)
            path.chmod(0o600)
            if self.server.who:
                os.chown(path, self.server.who["user"], self.server.who["group"])
        self.server.execute("SELECT pg_reload_conf()")
        throw_away.wait_until(lambda: self.server.execute("SHOW ssl")[0][0] == "on")

    def address(self, host="127.0.0.1", password="right", root="root.crt", mode="verify-full"):
        return (f"postgresql://registrar:{password}@{host}:{self.port}/registry?sslmode={mode}"
                f"&sslrootcert={self.folder / root}")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    if reason := throw_away.why_not():
        pytest.skip(reason)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with throw_away.running("fsync=off", "listen_addresses=127.0.0.1", port=port) as server:
        found = Guarded(server, port, tmp_path_factory.mktemp("certificates"))
        server.execute("CREATE ROLE registrar LOGIN CREATEROLE PASSWORD 'right'")
        server.execute("CREATE DATABASE registry OWNER registrar")
        rules = server.data / "pg_hba.conf"
        rules.write_text("local all all trust\nhostssl all all all scram-sha-256\n")
        server.execute("ALTER SYSTEM SET ssl = on")
        found.show(hosts=["127.0.0.1"])
        create_store(found.address(), "Guarded").close()
        yield found


@pytest.fixture
def shown(guarded):
    """What the certificate says is put back after a test that changed it."""
    yield guarded
    guarded.show(hosts=["127.0.0.1"])


def test_who_shows_the_right_certificate_and_password_gets_in(guarded):
    with closing(open_store(guarded.address())) as store:
        assert store.info.name == "Guarded"
        assert "right" not in store.address


def test_a_wrong_password_is_told_and_not_repeated(guarded):
    with pytest.raises(Unreachable, match=r"does not let you in|password is not right") as refused:
        open_store(guarded.address(password="wrongword"))
    assert "wrongword" not in str(refused.value)


@pytest.mark.parametrize("what", [
    {"hosts": ["db.example"]}, {"hosts": ["127.0.0.1"], "until": NOW - DAY}, {},
], ids=["another name", "expired", "no name"])
def test_a_certificate_that_does_not_prove_the_server_is_refused(shown, what):
    shown.show(**what)
    with pytest.raises(Unreachable, match="cannot prove that it is the one") as refused:
        open_store(shown.address())
    assert "Do not go on" in refused.value.remedy


def test_a_certificate_of_somebody_else_is_refused(guarded):
    with pytest.raises(Unreachable, match="cannot prove that it is the one"):
        open_store(guarded.address(root="other.crt"))


def test_a_server_without_tls_is_not_spoken_to_when_it_must_have_it(guarded):
    with pytest.raises(Unreachable, match="does not let you in"):
        open_store(guarded.address(mode="disable"))
