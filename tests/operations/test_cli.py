"""The command line as people type it: every subcommand on one registry, one JSON object, exit codes, passphrases."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import re
import shutil
import sqlite3
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from desktop_app.__main__ import main
from desktop_app.cli import commands
from desktop_app.trust import keys
from tests.desk import CHEAP, PASSPHRASE
from tests.operations.decided import two_decide

ELSEWHERE = {  # tests of the window, of the demo, of syncing, of registries and of recertification run them
    "open", "demo", "sync mlflow", "people recertify", *(f"registry {verb}" for verb in (
        "status", "backup", "restore", "upgrade", "rebuild", "admit", "copy"))}


@dataclass
class Typed:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def data(self):
        return json.loads(self.out)


@dataclass
class Desk:
    """A folder with a registry and files; `type_` is the keyboard."""

    folder: Path
    done: dict[str, Typed] = field(default_factory=dict)

    @property
    def registry(self):
        return str(self.folder / "registry.assay")

    def type_(self, *words, person=None, **environment):
        settings = {"ASSAYDESK_HOME": str(self.folder / "home"), "ASSAYDESK_REGISTRY": self.registry,
                    "ASSAYDESK_PASSPHRASE": PASSPHRASE} | environment
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            patch.setattr(keys, "PASSPHRASE_ONLY", CHEAP)
            for name, value in settings.items():
                patch.delenv(name, raising=False) if value is None else patch.setenv(name, value)
            try:
                code = main([*(["--as", person] if person else []), *map(str, words)])
            except SystemExit as left:  # argparse
                code = left.code
        return Typed(code, out.getvalue(), err.getvalue())

    def step(self, name, *words, person="Ann Admin"):
        self.done[name] = self.type_(*name.split(":")[0].split(), *words, "--json", person=person)


def make_files(folder):
    chance = np.random.default_rng(7)
    table = pd.DataFrame({"income": chance.normal(size=400), "age": chance.normal(size=400)})
    table["label"] = (table.income + chance.normal(size=400) * 0.5 > 0).astype(int)
    table["score"] = 1 / (1 + np.exp(-2 * table.income))
    table["decision"] = (table.score > 0.5).astype(int)
    table["SEX"] = np.where(np.arange(400) % 2, "f", "m")
    table.to_csv(folder / "data.csv", index=False)
    model = LogisticRegression().fit(table[["income", "age"]].to_numpy(), table.label.to_numpy())
    skops.io.dump(model, folder / "model.skops")
    (folder / "plan.txt").write_text("How it is watched")
    (folder / "policy.json").write_text(json.dumps(two_decide() | {"version": "2027-01"}))
    rows = "Model name,Version,Purpose,Tier\nMortgage PD,3,Mortgages,1\nSpreadsheet,1,Pricing,3\n"
    (folder / "list.csv").write_text(rows, "utf-8")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Every subcommand once, in the order of the work; what each came to is in `done`."""
    desk = Desk(tmp_path_factory.mktemp("typed"))
    make_files(desk.folder)
    dev, rita, val, cora = "Dev Patel", "Rita Risk", "Val Idris", "Cora Compliance"
    at, file, step = "Scorecard@1", desk.folder, desk.step
    step("init", "--person", "Ann Admin", "--name", "Bank", person=None)
    for name, role in ((dev, "developer"), (rita, "model_risk"), (val, "validator"), (cora, "compliance")):
        step("people enrol", name, "--role", role)
    step("people grant", dev, "owner")
    step("people revoke", dev, "owner", "--reason", "moved")
    step("people request-key", "Nora New", "--out", file / "nora.json", person=None)
    key = desk.done["people request-key"].data["key"]
    assert desk.type_("people", "enrol", "--request", file / "nora.json", person="Ann Admin").code == 2
    swapped = desk.type_("people", "enrol", "--request", file / "nora.json", "--key", "0" * 16, person="Ann Admin")
    assert "not the key that its holder made" in swapped.err
    step("people enrol:request", "--request", file / "nora.json", "--key", key, "--role", "auditor")
    step("people revoke-key", "Nora New", "--reason", "lost", "--since", "2026-11-20")
    step("people revoke:auditor", "Nora New", "auditor", "--reason", "left")
    step("people hold", "Nora New", "--reason", "a claim of a customer")
    step("people release", "Nora New", "--reason", "the claim is settled")
    step("people retention", "--acted", "0", "--named", "0")
    step("people erase", "Nora New", "--reason", "asked for it", "--also", "nnew@bank.example")
    step("people renew-key", person=val)
    step("people list")
    step("policy publish", file / "policy.json", person=rita)
    step("policy list")
    step("model add", "Scorecard", "--description", "Scores", person=dev)
    step("model version", "Scorecard", "1", "--document", file / "plan.txt", person=dev)
    step("model use", "Scorecard", "Card lending", "--entity", "NL", "--tier", "3", person=rita)
    step("model state", at, "pilot", "--since", "2026-01-02", person=dev)
    step("card set", at, "summary=Scores applicants", f"name=@{file / 'plan.txt'}", person=dev)
    step("card show", at)
    step("artefact inspect", file / "model.skops")
    step("artefact resolve", at, file / "model.skops", person=dev)
    bias = ("--data", file / "data.csv", "--label", "label", "--decision", "decision", "--sensitive", "SEX")
    step("fairness:preview", *bias)
    step("fairness", *bias, "--attach", at, person=dev)
    step("performance", "--data", file / "data.csv", "--label", "label", "--score", "score", "--min-auc", "0.6",
         "--attach", at, person=dev)
    step("explain", "--data", file / "data.csv", "--feature", "income", "--feature", "age", "--rows", "20",
         "--background", "20", "--attach", at, person=dev)
    step("import document", at, file / "plan.txt", "--line", "monitoring", "--received", "2026-10-01", person=dev)
    step("evidence list", "--about", at)
    label = desk.done["fairness"].data["evidence"]
    step("evidence groups", label, desk.folder / "groups.csv", person=dev)
    step("evidence reperform", label, "--data", file / "data.csv")
    step("finding raise", at, "Small sample", "--description", "Few", "--severity", "low", "--due", "2027-01-01",
         person=val)
    step("finding list", "--about", at)
    step("finding move", "F-1", "accepted", "--comment", "fine", "--until", "2027-02-01", person=rita)
    step("import inventory:check", file / "list.csv", "--check", "--save-mapping", file / "mapping.json", person=rita)
    step("import inventory", file / "list.csv", "--mapping", file / "mapping.json", person=rita)
    step("validate", at, "fit", "--summary", "Sound", "--not-tested", "drift", person=val)
    step("lineage assert", at, "code", "train.py", "--source", "repository of the team", person=dev)
    step("request make:first", at, "--rationale", "better", "--to", "production", person=dev)
    step("request withdraw", "R-1", "--reason", "too early", person=dev)
    step("request make", at, "--rationale", "better", "--to", "production", "--change", "minor", person=dev)
    step("request list", person=rita)
    step("request show", "R-2", person=rita)
    step("gate:refused", at)
    step("sign:first", "R-2", "approve_with_conditions", "--declare", "--condition", "Watch | S. Haddad | 2030-01-01",
         person=rita)
    step("sign", "R-2", "concur", "--declare", "--comment", "read", person=cora)
    step("gate", at)
    step("model condition", at, "1", "--comment", "Watched since", "--until", "2030-02-01", person=rita)
    step("record decision", "Mortgage PD@3", "--outcome", "approved", "--on", "2026-01-02", "--by", "Board", "--source",
         "minutes", person=rita)
    step("inventory")
    step("pack", "R-2", "--out", file / "pack.pdf")
    step("pack:version", at, "--out", file / "again.pdf")
    step("verify", file / "pack.pdf")
    step("audit list", "--about", at, "--limit", "5")
    step("audit show", "1")
    step("audit export", file / "log.jsonl")
    step("audit key")
    step("audit checkpoint", "--out", file / "log.checkpoint")
    step("audit checkpoint:cosigned", "--cosign", file / "log.checkpoint")
    step("audit prove", "3", "--out", file / "entry.tlog-proof")
    (memory,) = (desk.folder / "home" / "logs").iterdir()
    memory.write_text("{}")
    step("audit accept", "--because", "what it remembers was damaged by a full disk")
    step("audit verify", "--from", file / "log.checkpoint", "--from", file / "entry.tlog-proof", "--key",
         desk.done["audit key"].data["key"])
    return desk


def test_every_subcommand_is_in_the_story(desk):
    typed = {name.split(":")[0] for name in desk.done}
    assert typed == set(commands.COMMANDS) - ELSEWHERE


def test_every_step_is_done_and_prints_one_object(desk):
    refused = {"gate:refused": 1}
    for name, typed in desk.done.items():
        assert typed.code == refused.get(name, 0), (name, typed.out, typed.err)
        assert isinstance(typed.data, dict), name
        assert typed.err == ("" if name.split(":")[0] != "sign" else typed.data["statement"] + "\n\n"), name


def test_what_the_story_came_to(desk):
    done = {name: typed.data for name, typed in desk.done.items()}
    assert (done["sign:first"]["decided"], done["sign"]["decided"], done["sign"]["outcome"]) == (1, 2, "effective")
    assert done["gate"]["allowed"]
    assert done["gate:refused"]["reasons"] == ["It is in development, not production."]
    assert done["sign"]["statement"].startswith("Concurrence with the use of a model\n\nI, Cora Compliance,")
    assert [r["label"] for r in done["request list"]["requests"]] == ["R-2", "R-1"]
    assert done["request list"]["requests"][0]["waits_for_me"]
    assert done["request show"]["may_decide"]
    assert done["card show"]["fields"] == {"name": "How it is watched", "summary": "Scores applicants"}
    assert done["evidence reperform"] == {"same": True, "identical": True, "differences": []}
    assert done["performance"]["criteria"][0]["verdict"] == "met"
    assert done["explain"]["importances"][0]["feature"] == "income"
    assert done["finding list"]["findings"][0]["due"] == "2027-01-01"
    assert done["import inventory"]["added"] == done["import inventory:check"]["added"] == 2
    rows = {row["model"]: row for row in done["inventory"]["rows"]}
    assert (rows["Scorecard"]["stage"], rows["Scorecard"]["approval"]) == ("production", "1 condition")
    assert (rows["Mortgage PD"]["approval"], rows["Spreadsheet"]["approval"]) == ("approved", "none")
    assert done["verify"]["ok"]
    assert done["audit verify"]["ok"]
    assert {"check": "13 checkpoints", "result": "in order"} in done["audit verify"]["checks"]
    assert done["audit verify"]["root"] == done["audit checkpoint"]["root"] == done["audit prove"]["root"]
    assert done["audit checkpoint:cosigned"]["checkpoint"].startswith(done["audit checkpoint"]["checkpoint"])
    assert len(done["audit list"]["entries"]) == 5
    assert {p["name"]: p["roles"] for p in done["people list"]["people"]}["Dev Patel"] == ["developer"]
    assert [p["version"] for p in done["policy list"]["policies"]] == ["2027-01", "2026-11"]


READING = ["inventory", "people list", "policy list", "card show Scorecard@1", "evidence list", "finding list",
           "request list", "request show R-2", "gate Scorecard@1", "audit list", "audit show 2", "audit verify",
           "audit key", "audit checkpoint", "audit prove 2"]


@pytest.mark.parametrize("words", READING)
def test_people_read_lines_and_quiet_is_quiet(desk, words):
    typed = desk.type_(*words.split(), person="Rita Risk")
    assert typed.code == 0
    assert typed.out.strip()
    assert not typed.out.lstrip().startswith("{")
    assert desk.type_(*words.split(), "--quiet", person="Rita Risk").out == ""


def test_a_tier_that_is_refused_leaves_no_use_behind(desk):
    refused = desk.type_("model", "use", "Scorecard", "Overdrafts", "--tier", "2", person="Dev Patel")
    assert (refused.code, refused.err.splitlines()[0]) == (1, "Your role does not allow this.")
    log = desk.type_("audit", "list", "--limit", "500").out
    assert "Overdrafts" not in log
    assert "Described a use of Scorecard: Card lending, tier 3" in log


def test_two_uses_of_one_purpose_are_told_apart_by_their_ids(desk):
    desk.type_("model", "add", "Twice", person="Dev Patel")
    desk.type_("model", "version", "Twice", "1", person="Dev Patel")
    first, second = (desk.type_("model", "use", "Twice", "Cards", "--entity", entity, "--json", person="Dev Patel")
                     .data["use"] for entity in ("NL", ""))
    asked = desk.type_("gate", "Twice@1", "--use", "Cards")
    assert (asked.code, asked.err.splitlines()[1]) == (
        2, f"Uses of this model: Cards (NL, {first}); Cards (no entity, {second}).")
    assert desk.type_("gate", "Twice@1", "--use", second).out.startswith("Refused.")


def test_more_features_than_lines_are_counted(desk):
    chance, names = np.random.default_rng(3), [f"x{n}" for n in range(14)]
    frame = pd.DataFrame(chance.normal(size=(60, 14)), columns=names)
    skops.io.dump(LogisticRegression().fit(frame, frame.x0 > 0), desk.folder / "wide.skops")
    frame.to_csv(desk.folder / "wide.csv", index=False)
    desk.type_("model", "add", "Wide", person="Dev Patel")
    desk.type_("model", "version", "Wide", "1", person="Dev Patel")
    desk.type_("artefact", "resolve", "Wide@1", desk.folder / "wide.skops", person="Dev Patel")
    typed = desk.type_("explain", "--data", desk.folder / "wide.csv", "--rows", "5", "--background", "5", "--attach",
                       "Wide@1", person="Dev Patel")
    assert re.search(r"; residual \d\.\de-\d\d; ", typed.out), (typed.out, typed.err)
    assert "\nand 2 smaller\n" in typed.out


def test_who_decided_is_said_in_words(desk):
    lines = desk.type_("request", "show", "R-2", person="Rita Risk").out.splitlines()
    assert "Rita Risk, Model risk manager: approve with conditions" in lines
    assert "Cora Compliance, Compliance officer: concur" in lines


def test_reading_needs_nobody(desk):
    assert all(desk.type_(*words.split()).code == 0 for words in READING[:3])


def test_options_stand_before_or_after_the_command(desk):
    before = desk.type_("--json", "--registry", desk.registry, "people", "list", ASSAYDESK_REGISTRY=None)
    after = desk.type_("people", "list", "--registry", desk.registry, "--json", ASSAYDESK_REGISTRY=None)
    assert (before.code, before.out) == (0, after.out)
    assert before.data["people"]
    late = desk.type_("request", "show", "R-2", "--as", "Ann Admin", "--json")
    early = desk.type_("--as", "Ann Admin", "--json", "request", "show", "R-2")
    assert late.out == early.out
    assert late.data["refusal"] == "Your role is not asked to decide here."


# ---- exit codes


def test_1_what_a_rule_refuses(desk):
    typed = desk.type_("finding", "raise", "Scorecard@1", "x", "--description", "y", "--severity", "low",
                       person="Dev Patel")
    assert (typed.code, typed.out) == (1, "")
    assert typed.err.startswith("Your role does not allow this.\n")
    assert desk.type_("model", "add", "X", person=None, ASSAYDESK_PASSPHRASE=None).code == 1  # six keys here: who acts?
    assert desk.type_("artefact", "inspect", desk.folder / "plan.txt").code == 1


def test_1_what_does_not_verify(desk, tmp_path):
    bad = tmp_path / "bad.pdf"
    bad.write_bytes(Path(desk.folder / "pack.pdf").read_bytes() + b"\n%")
    typed = desk.type_("verify", bad, "--json")
    assert (typed.code, typed.data["ok"]) == (1, False)
    assert "MISMATCH" in desk.type_("verify", bad).out
    alone = desk.type_("verify", desk.folder / "pack.pdf", ASSAYDESK_REGISTRY=None)
    assert alone.code == 0
    assert "by itself" in alone.out


def test_1_a_breached_criterion(desk, tmp_path):
    table = pd.read_csv(desk.folder / "data.csv")
    table["decision"] = (table.SEX == "f").astype(int)
    table.to_csv(tmp_path / "unfair.csv", index=False)
    typed = desk.type_("fairness", "--data", tmp_path / "unfair.csv", "--decision", "decision", "--sensitive", "SEX",
                       "--json")
    assert (typed.code, typed.data["criteria"][0]["verdict"]) == (1, "breached")


def test_a_bias_report_marks_each_group_with_its_verdict_and_names_its_ratio(desk, tmp_path):
    table = pd.read_csv(desk.folder / "data.csv")
    table["decision"] = np.where((table.SEX == "f") & (table.index % 3 > 0), "flagged", "passed")
    table["outcome"] = np.where(table.label == 1, "good", "bad")
    table.to_csv(tmp_path / "words.csv", index=False)
    words = ("fairness", "--data", tmp_path / "words.csv", "--decision", "decision", "--positive", "flagged",
             "--favourable", "negative", "--sensitive", "SEX", "--label", "outcome")
    refused = desk.type_(*words)
    assert refused.code == 2
    assert "It has “bad” and “good”." in refused.err
    assert "--label-positive" in refused.err
    typed = desk.type_(*words, "--label-positive", "bad")
    assert "ratio: of the share not selected, the favourable outcome" in typed.out
    rows = {line[5]: line for line in typed.out.splitlines() if line.startswith(("SEX: f ", "SEX: m "))}
    assert rows["f"].endswith("breached")
    assert rows["m"].endswith("met")


def test_a_bias_report_that_looks_turned_round_says_so(desk):
    typed = desk.type_("fairness", "--data", desk.folder / "data.csv", "--decision", "decision", "--label", "label",
                       "--label-positive", "0", "--sensitive", "SEX")
    assert "Look whether the two events belong together" in typed.out


def test_rows_are_counted_from_1(desk):
    words = ("explain", "--data", desk.folder / "data.csv", "--feature", "income", "--feature", "age", "--rows", "20",
             "--background", "20", "--attach", "Scorecard@1")
    assert "There is no row 0." in desk.type_(*words, "--row", "0", person="Dev Patel").err
    assert "There is no row 401." in desk.type_(*words, "--row", "401", person="Dev Patel").err


@pytest.mark.parametrize("words", [
    ["nonsense"], ["sign"], ["sign", "R-2", "applaud"], ["model"], ["people", "grant", "Ann Admin", "emperor"],
    ["finding", "raise", "Scorecard@1", "x"], ["audit", "show", "one"], ["people", "list", "--js"],
    ["sign", "R-2", "approve", "--passphrase", "secret"], ["sign", "R-2", "approve", "--passphrase=3"],
    ["--passphrase", "3", "people", "list"], ["--passphrase", "3"],
])
def test_2_words_that_are_not_understood(desk, words):
    typed = desk.type_(*words, person="Ann Admin")
    assert (typed.code, typed.out) == (2, "")
    assert "usage:" in typed.err


@pytest.mark.parametrize("words", [
    "card show Scorecard@9", "card show Nothing", "card set Scorecard@1 nokey", "card set Scorecard@1 unheard=x",
    "card set Scorecard@1 name=@/nowhere", "request show R-99", "finding move F-99 closed --comment x",
    "gate Scorecard@1 --use Nothing", "model version Nothing 2", "model version Scorecard 1",
    "people grant Nobody owner", "evidence reperform E-99 --data x.csv",
    "policy publish /nowhere.json", "verify /nowhere.pdf", "audit show 99999",
    "fairness --data /nowhere.csv --decision d --sensitive s", "import document Scorecard@1 /nowhere.pdf",
    "import inventory /nowhere.csv", "sign R-2 approve --condition x --declare", "people enrol Dev",
    "pack R-99 --out x.pdf",
])
def test_2_input_that_does_not_fit_is_explained(desk, words):
    typed = desk.type_(*words.split(), "--json", person="Ann Admin", ASSAYDESK_PASSPHRASE="short")
    assert typed.code == 2, typed
    assert typed.data["error"]["title"]
    assert typed.data["error"]["title"] in typed.err
    assert "Traceback" not in typed.err


@pytest.mark.parametrize(("person", "title"), [("Nobody", "no one person called"), ("", "")])
def test_2_who_is_not_known_is_told_who_is(desk, person, title):
    typed = desk.type_("inventory", "--as", person)
    assert typed.code == (2 if person else 0)
    assert title in typed.err


@pytest.mark.parametrize("address", ["missing.assay", ".", "data.csv", "sqlite:///nowhere/x.assay"])
def test_3_a_registry_that_cannot_be_reached(desk, address, monkeypatch):
    monkeypatch.chdir(desk.folder)
    typed = desk.type_("inventory", "--registry", address, "--json")
    assert typed.code == 3
    assert typed.data["error"]["remedy"]


def test_3_a_tracking_server_that_is_down(desk):
    assert desk.type_("sync", "mlflow", "--tracking-uri", "http://127.0.0.1:9", person="Dev Patel").code == 3


def test_3_a_registry_that_was_damaged(desk, tmp_path):
    copy = tmp_path / "copy.assay"
    copy.write_bytes(Path(desk.registry).read_bytes())
    raw = sqlite3.connect(copy)
    raw.execute("DROP TRIGGER fact_no_update")
    raw.execute("UPDATE fact SET body = 'x' WHERE kind = 'person'")
    raw.commit()
    raw.close()
    typed = desk.type_("inventory", "--registry", copy, "--json")
    assert (typed.code, "cannot be read" in typed.data["error"]["title"]) == (3, True)
    assert desk.type_("audit", "verify", "--registry", copy, "--json").code == 1


def test_4_a_bug_says_that_it_is_one(desk, monkeypatch):
    def broken(_call):
        raise ZeroDivisionError("of course")

    monkeypatch.setitem(commands.COMMANDS, "inventory", commands.COMMANDS["inventory"].__class__(
        "inventory", "help", broken, ()))
    typed = desk.type_("inventory", "--json")
    assert (typed.code, typed.data["error"]["title"]) == (4, "This is a bug in Assaydesk.")
    assert "ZeroDivisionError" in typed.err


# ---- passphrases, declarations


def test_a_passphrase_comes_from_a_descriptor(desk):
    read, write = os.pipe()
    os.write(write, b"not the passphrase\n")
    os.close(write)
    words = ("record", "decision", "Scorecard@1", "--outcome", "approved", "--on", "2026-01-02", "--by", "B",
             "--source", "m")
    wrong = desk.type_(*words, "--passphrase-fd", read, person="Rita Risk")
    os.close(read)
    assert wrong.code == 1
    assert "passphrase is not right" in wrong.err


def test_a_passphrase_is_asked_for_and_repeated(desk, monkeypatch, tmp_path):
    answers = iter(["correct horse", "battery staple"])
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(answers))
    typed = desk.type_("init", "--person", "X", "--registry", tmp_path / "new.assay", ASSAYDESK_PASSPHRASE=None)
    assert (typed.code, "differ" in typed.err) == (2, True)
    assert not (tmp_path / "new.assay").exists()


def test_a_short_passphrase_makes_no_registry(desk, tmp_path):
    typed = desk.type_("init", "--person", "X", "--registry", tmp_path / "new.assay", ASSAYDESK_PASSPHRASE="short")
    assert (typed.code, "too short" in typed.err) == (2, True)
    assert not (tmp_path / "new.assay").exists()


def test_without_a_terminal_a_declaration_is_not_assumed(desk):
    desk.type_("request", "make", "Scorecard@1", "--rationale", "r", "--to", "production", person="Dev Patel")
    typed = desk.type_("sign", "R-3", "approve", person="Rita Risk")
    assert (typed.code, "declaration is not made" in typed.err) == (2, True)
    assert desk.type_("request", "withdraw", "R-3", "--reason", "x", person="Dev Patel").code == 0


def at_the_terminal(monkeypatch, *answers):
    """Somebody sits there; what they are asked, and what had been printed by then."""
    asked = []

    def ask(prompt):
        asked.append((prompt, sys.stdout.getvalue()))
        return given.pop(0)

    given = list(answers)
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr("builtins.input", ask)
    monkeypatch.setattr("getpass.getpass", ask)
    return asked


def test_a_signature_is_refused_first_then_read_declared_and_unlocked(desk, monkeypatch):
    made = desk.type_("request", "make", "Scorecard@1", "--rationale", "r", "--to", "production", "--json",
                      person="Dev Patel").data["label"]
    asked = at_the_terminal(monkeypatch, "yes", PASSPHRASE)
    refused = desk.type_("sign", made, "approve", person="Dev Patel", ASSAYDESK_PASSPHRASE=None)
    assert (refused.code, refused.out, asked) == (1, "", [])
    assert "not asked to decide" in refused.err
    signed = desk.type_("sign", made, "approve", person="Rita Risk", ASSAYDESK_PASSPHRASE=None)
    assert signed.code == 0
    statement = signed.out.partition("\n\nSigned: ")[0]
    assert [prompt for prompt, _ in asked] == [
        "Do you make the declaration that the statement ends with? Type yes: ", "Passphrase: "]
    assert statement.startswith("Approval of")
    assert all(shown.startswith(statement) for _, shown in asked)
    assert desk.type_("request", "withdraw", made, "--reason", "x", person="Dev Patel").code == 0


def test_without_the_declaration_no_passphrase_is_asked(desk, monkeypatch):
    made = desk.type_("request", "make", "Scorecard@1", "--rationale", "r", "--to", "production", "--json",
                      person="Dev Patel").data["label"]
    asked = at_the_terminal(monkeypatch, "no")
    typed = desk.type_("sign", made, "approve", person="Rita Risk", ASSAYDESK_PASSPHRASE=None)
    assert (typed.code, len(asked), "declaration is not made" in typed.err) == (2, 1, True)
    assert desk.type_("request", "withdraw", made, "--reason", "x", person="Dev Patel").code == 0


def test_a_request_that_nobody_could_approve_is_made_only_when_that_is_wanted(desk, monkeypatch):
    at = ("request", "make", "Hopeful@1", "--rationale", "r", "--to", "production")
    desk.type_("model", "add", "Hopeful", person="Dev Patel")
    desk.type_("model", "version", "Hopeful", "1", person="Dev Patel")
    desk.type_("model", "use", "Hopeful", "Card lending", "--tier", "1", person="Rita Risk")
    refused = desk.type_(*at, person="Dev Patel")
    assert refused.code == 1
    assert "Model development document: Not filed." in refused.err
    assert "--anyway" in refused.err
    assert "Hopeful" not in desk.type_("request", "list").out
    asked = at_the_terminal(monkeypatch, "no", "yes")
    assert desk.type_(*at, person="Dev Patel").code == 1
    assert desk.type_(*at, person="Dev Patel").code == 0
    assert len(asked) == 2
    made = next(r["label"] for r in desk.type_("request", "list", "--json").data["requests"] if r["model"] == "Hopeful")
    assert desk.type_("request", "withdraw", made, "--reason", "x", person="Dev Patel").code == 0
    assert desk.type_(*at, "--anyway", "--json", person="Dev Patel").code == 0


def test_every_argument_of_every_command_has_a_word_of_help():
    lacking = [f"{name} {words[0]}" for name, chosen in commands.COMMANDS.items() for words, options in chosen.arguments
               if not options.get("help", "").strip()]
    assert lacking == []


def test_the_inventory_has_headings_that_stand_over_their_columns(desk):
    lines = desk.type_("inventory").out.splitlines()
    heading, row = lines[2], next(line for line in lines if line.startswith("Scorecard"))
    assert heading.split() == ["model", "version", "use", "tier", "status", "approval", "finding", "due"]
    assert row[heading.index("use"):].startswith("Card lending")
    assert row[heading.index("version"):].startswith("1 ")


def test_what_the_scan_of_an_artefact_found_is_said(desk, tmp_path):
    desk.type_("model", "version", "Scorecard", "scanned", person="Dev Patel")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"weights": [1, 2]}))
    shutil.copy(desk.folder / "model.skops", tmp_path / "model.skops")
    typed = desk.type_("artefact", "resolve", "Scorecard@scanned", tmp_path, person="Dev Patel")
    assert typed.code == 0
    assert typed.out.startswith("skops, ")
    assert "Data only (skops: only types of the trusted list)" in typed.out
    assert "pickle beside it, not opened: model.pkl" in typed.out
    (tmp_path / "model.skops").unlink()
    alone = desk.type_("artefact", "inspect", tmp_path)
    assert alone.out.startswith("pickle, ")
    assert "Never opened here: " in alone.out


def test_what_a_person_knows_of_the_origin_is_asserted(desk):
    at = ("lineage", "assert", "Scorecard@1")
    typed = desk.type_(*at, "dataset", "applicants 2025", "--role", "train", "--file", desk.folder / "data.csv",
                       "--source", "development report, page 4", person="Dev Patel")
    assert typed.out.startswith("Stated that Scorecard 1 was made from applicants 2025: development report, page 4")
    assert desk.type_(*at, "version", "Scorecard@1", "--source", "x", person="Dev Patel").code == 2
    assert desk.type_(*at, "code", "score.py", "--source", " ", person="Dev Patel").code == 2
    assert desk.type_(*at, "code", "score.py", "--source", "x", person="Ann Admin").code == 1


def test_version_and_help_leave_with_zero(desk):
    from desktop_app import __version__

    assert desk.type_("--version").out.strip() == f"assaydesk {__version__}"
    for name in commands.COMMANDS:
        typed = desk.type_(*name.split(), "--help")
        assert (typed.code, commands.COMMANDS[name].help in " ".join(typed.out.split())) == (0, True), name


def test_text_that_is_no_text_is_refused_not_a_bug(desk):
    typed = desk.type_("model", "add", "caf\udce9", person="Dev Patel")
    assert typed.code == 2
