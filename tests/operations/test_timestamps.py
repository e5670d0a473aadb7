"""Timestamps of checkpoints, by an authority that is `openssl ts`: an implementation that is not ours."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from desktop_app.__main__ import main
from desktop_app.errors import Unreachable, UserError
from desktop_app.operations import audit, checkpoints, models, timestamps
from desktop_app.trust import timestamp
from tests.desk import make_desk
from tests.timestamping import Authority, answering, openssl, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")
DATA = b"some bytes"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def authority(made):
    made.answer = None
    with answering(made) as running:
        yield running


@pytest.fixture
def trusted(made):
    return timestamps.roots((made.root,))


@pytest.fixture
def desk(tmp_path):
    desk = make_desk(tmp_path, now=lambda: datetime.now(UTC))
    yield desk
    desk.workspace.close()


@pytest.fixture
def run(desk, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("ASSAYDESK_REGISTRY", str(tmp_path / "registry.assay"))

    def run(*words):
        code = main(["--as", "Ann Admin", *map(str, words)])
        return code, *capsys.readouterr()

    return run


def test_a_stamp_says_when_and_who_and_openssl_agrees(authority, trusted, tmp_path):
    before = datetime.now(UTC) - timedelta(seconds=1)
    response, stamp = timestamps.ask(DATA, authority.url, trusted)
    assert before <= stamp.at <= datetime.now(UTC) + timedelta(seconds=1)
    assert (stamp.by, stamp.accuracy) == ("CN=Test authority,O=Test", timedelta(seconds=1))
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "data.tsr").write_bytes(response)
    openssl("ts", "-verify", "-data", "data", "-in", "data.tsr", "-CAfile", str(authority.root), folder=tmp_path)
    assert timestamps.of(tmp_path / "data", trusted).at == stamp.at


def test_an_authority_need_not_say_how_exact_it_is_nor_send_more_than_its_own_certificate(tmp_path):
    vague = Authority(tmp_path / "vague", "Vague")
    config = vague.folder / "config"
    config.write_text(config.read_text().replace("accuracy = secs:1\n", "").replace("chain.pem", "tsa.pem"))
    vague._make("tsa", "/CN=Vague", "stamping", "root")
    query, nonce = timestamp.request(DATA)
    stamp = timestamp.read(vague.reply(query), DATA, nonce, timestamps.roots((vague.root,)))
    assert (stamp.accuracy, stamp.by) == (timedelta(), "CN=Vague")


@pytest.mark.parametrize("algorithm", ["sha384", "sha512"])
def test_a_stamp_that_openssl_asked_for_is_read(made, trusted, tmp_path, algorithm):
    (tmp_path / "data").write_bytes(DATA)
    openssl("ts", "-query", "-data", "data", f"-{algorithm}", "-cert", "-out", "query", folder=tmp_path)
    response = made.reply((tmp_path / "query").read_bytes())
    assert timestamp.read(response, DATA, None, trusted).by == "CN=Test authority,O=Test"


def test_other_bytes_another_request_and_other_roots_are_told(made, trusted, tmp_path):
    query, nonce = timestamp.request(DATA)
    response = made.reply(query)
    with pytest.raises(ValueError, match="of other bytes"):
        timestamp.read(response, DATA + b".", nonce, trusted)
    with pytest.raises(ValueError, match="answers another request"):
        timestamp.read(response, DATA, nonce + 1, trusted)
    other = timestamps.roots((Authority(tmp_path / "other", "Another authority").root,))
    with pytest.raises(ValueError, match="does not hold under the roots given"):
        timestamp.read(response, DATA, nonce, other)
    assert timestamp.read(response, DATA, nonce, (*other, *trusted)).by == "CN=Test authority,O=Test"


def test_a_certificate_that_is_not_for_timestamps_is_refused(made, trusted, tmp_path):
    web = Authority(tmp_path / "web", "Web server")
    web._make("tsa", "/CN=Web server", "web", "between")
    query, nonce = timestamp.request(DATA)
    with pytest.raises(Exception, match=r"openssl|extendedKeyUsage|returned non-zero"):
        web.reply(query)  # openssl itself would not sign with it
    assert timestamp.read(made.reply(query), DATA, nonce, trusted)


def test_no_change_to_a_response_goes_unnoticed(made, trusted):
    """Every byte that matters is under the signature: what is changed is refused, or says the same."""
    query, nonce = timestamp.request(DATA)
    response = made.reply(query)
    whole = timestamp.read(response, DATA, nonce, trusted)
    chance = random.Random(1)
    for _ in range(3000):
        changed = bytearray(response)
        for _ in range(chance.randint(1, 3)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        if chance.random() < .2:
            changed = changed[:chance.randrange(len(changed))]
        with suppress(ValueError):
            assert timestamp.read(bytes(changed), DATA, nonce, trusted) == whole


@pytest.mark.parametrize(("answer", "said"), [
    (lambda query: (500, b"down"), "answered with status 500"),
    (lambda query: (200, b"<html>log in</html>"), "it cannot be read"),
    (lambda query: (200, b""), "it cannot be read"),
    (lambda query: (200, bytes(2 << 20)), "larger than 1 MiB"),
    (lambda query: (200, bytes.fromhex("30053003020102")), "granted none"),
])
def test_an_answer_that_is_no_stamp_is_told(authority, answer, said):
    authority.answer = answer
    with pytest.raises(UserError) as told:
        timestamps.ask(DATA, authority.url)
    assert said in str(told.value)


def test_no_authority_and_no_address_are_told(authority):
    with pytest.raises(UserError, match="not the address of a timestamping authority"):
        timestamps.ask(DATA, "ftp://there")
    with pytest.raises(Unreachable, match="cannot be reached"):
        timestamps.ask(DATA, "http://127.0.0.1:9/tsr")


def test_a_checkpoint_with_its_stamp_on_the_command_line(run, authority, tmp_path, desk):
    file = tmp_path / "now.checkpoint"
    code, said, _ = run("audit", "checkpoint", "--out", file, "--timestamp", authority.url, "--timestamp-root",
                        authority.root)
    assert code == 0
    assert f"Wrote {file}.tsr: CN=Test authority,O=Test states 20" in said
    openssl("ts", "-verify", "-data", str(file), "-in", f"{file}.tsr", "-CAfile", str(authority.root), folder=tmp_path)
    models.register(desk.as_("Dev Patel"), "Later")
    code, said, _ = run("audit", "verify", "--from", file)
    assert code == 0
    assert "not judged, as no root was given" in said
    code, said, _ = run("audit", "verify", "--from", file, "--timestamp-root", authority.root, "--json")
    (stamp,) = json.loads(said)["timestamps"]
    assert code == 0
    assert (stamp["by"], stamp["judged"], stamp["flaw"]) == ("CN=Test authority,O=Test", True, "")
    file.with_name(file.name + ".tsr").write_bytes(b"forged")
    code, said, _ = run("audit", "verify", "--from", file)
    assert code == 1
    assert "its timestamp: it cannot be read" in said


def test_without_an_authority_nothing_is_written(run, tmp_path):
    file = tmp_path / "now.checkpoint"
    code, _, wrong = run("audit", "checkpoint", "--out", file, "--timestamp", "http://127.0.0.1:9/")
    assert code == 3
    assert "cannot be reached" in wrong
    assert not list(tmp_path.glob("*.checkpoint*"))
    code, _, wrong = run("audit", "checkpoint", "--timestamp", "http://127.0.0.1:9/")
    assert code == 2
    assert "--out FILE" in wrong
    code, _, wrong = run("audit", "verify", "--timestamp-root", tmp_path / "registry.assay")
    assert code == 2
    assert "holds no certificates" in wrong


def test_entries_dated_after_the_stamp_that_saw_them_are_named(tmp_path, authority, trusted):
    """The installation's clock is an hour ahead: the authority's is not."""
    ahead = make_desk(tmp_path, now=lambda: datetime.now(UTC) + timedelta(hours=1))
    ann = ahead.as_("Ann Admin")
    file = tmp_path / "now.checkpoint"
    file.write_text(checkpoints.checkpoint(ann).note.write(), encoding="utf-8")
    timestamps.beside(file).write_bytes(timestamps.ask(file.read_bytes(), authority.url)[0])
    assert audit.verify(ann, against=(file,)).ok  # no root: the stamp is not judged
    report = audit.verify(ann, against=(file,), trusted=trusted)
    ahead.workspace.close()
    (problem,) = report.problems
    assert problem.check == "13 checkpoints"
    assert "before the time that its last entry bears" in problem.sentence
