"""Explanations and scores through the real worker: right sums, honest words, and every way it can go wrong."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
import warnings

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from desktop_app.analysis import artefacts, explain
from desktop_app.analysis.sandbox import channel, host, worker
from desktop_app.domain import canonical
from desktop_app.domain.evidence import ExplanationResult, ExplanationSpec
from desktop_app.errors import Cancelled, UserError
from desktop_app.progress import Progress

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"income": RNG.normal(50, 10, 300).round(2), "age": RNG.integers(18, 80, 300),
                      "job": RNG.choice(["clerk", "nurse", "none"], 300)})
Y = ((FRAME.income + RNG.normal(0, 5, 300) > 50) ^ (FRAME.job == "nurse")).astype(int)
NUMBERS = ("income", "age")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("t") / "t.csv"
    FRAME.assign(y=Y).to_csv(path, index=False)
    return path


def spec(features=NUMBERS, **changes):
    base = {"features": tuple(features), "rows": 20, "background": 120, "row": 7, "seed": 3}
    return ExplanationSpec(**(base | changes))


def saved(tmp_path, model, name="m.skops"):
    (tmp_path / name).write_bytes(skops.io.dumps(model))
    return tmp_path / name


def ask(task, model, table, **request):
    """The worker's own function, in this process: a request in, the last message out."""
    _, scan = artefacts.inspect(model)
    out, into = io.BytesIO(), io.BytesIO()
    channel.send(into, {"task": task, "model": str(model), "format": scan.format, "table": str(table)} | request)
    into.seek(0)
    worker.main(into, out)
    out.seek(0)
    messages = []
    while (message := channel.receive(out, channel.MAX_ANSWER)) is not None:
        messages.append(message)
    return messages[-1]


def explained(model, table, asked):
    answer = ask("explain", model, table, spec=canonical.plain(asked))
    assert "result" in answer, answer
    return canonical.build(ExplanationResult, answer["result"])


def total(result):
    return float(result.local.base) + sum(float(c.contribution) for c in result.local.contributions)


@pytest.mark.parametrize(("fit_on", "named"), [
    (FRAME[["age", "income"]], ("age", "income")), (FRAME[["age", "income"]].to_numpy(), ())])
def test_a_model_names_its_features_in_its_own_order(tmp_path, fit_on, named):
    model = saved(tmp_path, make_pipeline(StandardScaler(), LogisticRegression()).fit(fit_on, Y))
    assert explain.features(model, artefacts.inspect(model)[1]) == named


def test_a_booster_names_its_features_unless_it_made_them_up(tmp_path):
    import lightgbm
    import xgboost

    numbers = FRAME[["income", "age"]].rename(columns={"income": "income in EUR"})
    for values, named in ((numbers, ["income in EUR", "age"]), (numbers.to_numpy(), [])):
        xgboost.XGBClassifier(n_estimators=2).fit(values, Y).get_booster().save_model(tmp_path / "m.json")
        assert ask("features", tmp_path / "m.json", None)["result"] == {"features": named}
        lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(values, Y).booster_.save_model(tmp_path / "m.txt")
        written = [name.replace(" ", "_") for name in named]  # as that library writes them
        assert ask("features", tmp_path / "m.txt", None)["result"] == {"features": written}


def test_a_model_without_names_knows_how_many_features_it_takes(tmp_path):
    import xgboost

    numbers = FRAME[list(NUMBERS)].to_numpy()
    model = saved(tmp_path, make_pipeline(StandardScaler(), LogisticRegression()).fit(numbers, Y))
    xgboost.XGBClassifier(n_estimators=2).fit(numbers, Y).get_booster().save_model(tmp_path / "m.json")
    for path in (model, tmp_path / "m.json"):
        assert ask("check", path, None, features=list(NUMBERS))["result"] == {}
        assert ask("check", path, None, features=["income"])["error"][:2] == ["The model takes 2 features.",
                                                                              "1 were chosen."]


def test_rows_that_were_asked_for_and_are_not_there_are_said(tmp_path, table):
    model = saved(tmp_path, LogisticRegression().fit(FRAME[list(NUMBERS)], Y))
    assert len(explained(model, table, spec(rows=300, background=300)).notes) == 1
    assert explained(model, table, spec(rows=500, background=2000)).notes[1] == (
        "500 rows explained and 2,000 background rows were asked for; the table has 300, and all of them were taken.")


def test_features_are_found_among_the_columns_of_a_table():
    columns = ("y", "age", "income in EUR", "income_in_EUR")
    assert explain.among(("income in EUR", "age"), columns) == (("income in EUR", "age"), ())
    assert explain.among(("income_in_EUR", "tenure"), columns[:3]) == (("income in EUR",), ("tenure",))
    assert explain.among((), columns) == ((), ())


@pytest.mark.parametrize(("model", "explainer", "output"), [
    (RandomForestClassifier(10, max_depth=4, random_state=0), "tree", "probability of class 1"),
    (GradientBoostingClassifier(n_estimators=10, random_state=0), "tree", "log-odds of class 1"),
    (HistGradientBoostingClassifier(max_iter=10, random_state=0), "tree", "log-odds of class 1"),
    (make_pipeline(StandardScaler(), LogisticRegression()), "linear", "log-odds of class 1"),
    (GaussianNB(), "permutation", "probability of class 1"),
])
def test_contributions_sum_to_the_models_own_output(tmp_path, table, model, explainer, output):
    model.fit(FRAME[list(NUMBERS)], Y)
    result = explained(saved(tmp_path, model), table, spec())
    row = FRAME[list(NUMBERS)].iloc[[7]]
    own = model.predict_proba(row)[0, 1] if output.startswith("prob") else model.decision_function(row)[0]
    assert (result.explainer, result.output) == (explainer, output)
    assert float(result.local.output) == pytest.approx(own, abs=1e-9)
    assert total(result) == pytest.approx(own, abs=1e-6)
    assert float(result.additivity_residual) < 1e-6
    sizes = [float(i.mean_abs) for i in result.importances]
    assert sizes == sorted(sizes, reverse=True)
    assert "background of 120 rows" in result.notes[0]


def test_linear_contributions_are_coefficient_times_distance(tmp_path, table):
    model = LogisticRegression().fit(FRAME[list(NUMBERS)], Y)
    result = explained(saved(tmp_path, model), table, spec(background=300))
    expected = model.coef_[0][0] * (FRAME.income[7] - FRAME.income.mean())
    found = next(float(c.contribution) for c in result.local.contributions if c.feature == "income")
    assert found == pytest.approx(expected, rel=1e-6)


def test_a_whole_background_is_used_not_a_hundred_rows(tmp_path, table):
    """The base value over 300 background rows is the mean output over all 300 rows."""
    model = GradientBoostingClassifier(n_estimators=10, random_state=0).fit(FRAME[list(NUMBERS)], Y)
    result = explained(saved(tmp_path, model), table, spec(background=300))
    assert float(result.local.base) == pytest.approx(model.decision_function(FRAME[list(NUMBERS)]).mean(), abs=1e-6)


def test_a_pipeline_is_explained_after_its_preparation(tmp_path, table):
    prepare = ColumnTransformer([("c", OneHotEncoder(), ["job"]), ("n", "passthrough", list(NUMBERS))])
    model = make_pipeline(prepare, RandomForestClassifier(10, max_depth=4, random_state=0)).fit(FRAME, Y)
    result = explained(saved(tmp_path, model), table, spec(["age", "job", "income"]))
    assert {i.feature for i in result.importances} == {
        "c__job_clerk", "c__job_nurse", "c__job_none", "n__income", "n__age"}


def test_boosters(tmp_path, table):
    import lightgbm
    import xgboost

    values = FRAME[list(NUMBERS)].astype(float)
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 3}, xgboost.DMatrix(values, Y), 10)
    booster.save_model(tmp_path / "x.json")
    result = explained(tmp_path / "x.json", table, spec(["age", "income"]))
    assert (result.explainer, result.output) == ("tree", "log-odds of class 1")
    own = booster.predict(xgboost.DMatrix(values.iloc[[7]]), output_margin=True)[0]
    assert total(result) == pytest.approx(own, abs=1e-5)
    gbm = lightgbm.train({"objective": "binary", "verbose": -1}, lightgbm.Dataset(values, Y), 10)
    gbm.save_model(tmp_path / "l.txt")
    result = explained(tmp_path / "l.txt", table, spec())
    assert total(result) == pytest.approx(gbm.predict(values.iloc[[7]], raw_score=True)[0], abs=1e-6)


def test_onnx_with_text_columns(tmp_path, table):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from skl2onnx import to_onnx

        prepare = ColumnTransformer([("c", OneHotEncoder(), ["job"]), ("n", StandardScaler(), list(NUMBERS))])
        model = make_pipeline(prepare, LogisticRegression()).fit(FRAME, Y)
        example = FRAME.head(1).astype({"income": "float32"})
        (tmp_path / "m.onnx").write_bytes(to_onnx(model, example).SerializeToString())
    result = explained(tmp_path / "m.onnx", table, spec(["income", "age", "job"], rows=5, background=20))
    assert (result.explainer, result.output) == ("permutation", "probability of class 1")
    assert float(result.local.output) == pytest.approx(model.predict_proba(FRAME.iloc[[7]])[0, 1], abs=1e-4)
    job = next(i for i in result.importances if i.feature == "job")
    assert job.direction is None
    assert next(c.value for c in result.local.contributions if c.feature == "job") == FRAME.job[7]


def test_the_same_request_gives_the_same_numbers(tmp_path, table):
    path = saved(tmp_path, GaussianNB().fit(FRAME[list(NUMBERS)], Y))
    assert explained(path, table, spec()) == explained(path, table, spec())
    assert explained(path, table, spec()) != explained(path, table, spec(seed=4))


@pytest.mark.parametrize(("asked", "title"), [
    (spec(["income"]), "not those of the model"), (spec([]), "No features"), (spec(["income", "ages"]), "not those"),
    (spec(row=300), "no row 301"), (spec(background=0), "needs rows")])
def test_requests_that_cannot_be_done(tmp_path, table, asked, title):
    model = saved(tmp_path, LogisticRegression().fit(FRAME[list(NUMBERS)], Y))
    answer = ask("explain", model, table, spec=canonical.plain(asked))
    assert title in answer["error"][0]


def test_three_classes_and_text_are_refused(tmp_path, table):
    three = saved(tmp_path, LogisticRegression().fit(FRAME[list(NUMBERS)], np.arange(300) % 3))
    assert "two classes" in ask("score", three, table, features=list(NUMBERS))["error"][0]
    two = saved(tmp_path, LogisticRegression().fit(FRAME[list(NUMBERS)].to_numpy(), Y))
    assert "is text" in ask("score", two, table, features=["income", "job"])["error"][0]


# ---- the process itself


def test_in_a_process_of_its_own(tmp_path, table):
    model = LogisticRegression().fit(FRAME[list(NUMBERS)], Y)
    path = saved(tmp_path, model)
    _, scan = artefacts.inspect(path)
    said = []
    result = explain.explain(path, scan, table, spec(), Progress(lambda f, s: said.append(s)))
    assert result.isolation == host.ISOLATION
    assert "not a full sandbox" in result.isolation
    assert "Opening the model" in said
    scores = explain.score(path, scan, table, NUMBERS)
    assert scores == pytest.approx(model.predict_proba(FRAME[list(NUMBERS)])[:, 1], abs=1e-12)


def test_a_pickle_is_never_opened(tmp_path, table):
    (tmp_path / "m.pkl").write_bytes(b"\x80\x04N.")
    _, scan = artefacts.inspect(tmp_path / "m.pkl")
    with pytest.raises(UserError, match="not opened"):
        explain.explain(tmp_path / "m.pkl", scan, table, spec())


def test_a_file_exchanged_after_the_scan_is_refused(tmp_path, table):
    path = saved(tmp_path, LogisticRegression().fit(FRAME[list(NUMBERS)], Y))
    _, scan = artefacts.inspect(path)
    path.write_bytes(b"\x80\x04N.")
    with pytest.raises(UserError, match="has changed"):
        explain.explain(path, scan, table, spec())


def python(code):
    return [sys.executable, "-I", "-c", code]


@pytest.mark.parametrize(("code", "detail"), [
    ("import os; os.abort()", "ended by the system"),
    ("raise SystemExit(3)", "code 3"),
    ("print('hello, this is no message at all, only text that is printed')", "not understood"),
    ("import sys; sys.stdout.buffer.write(b'\\xff\\xff\\xff\\xff')", "not understood"),
    ("import sys; sys.stdout.buffer.write(b'\\0\\0\\0\\x02[]')", "not understood"),
    ("import time; time.sleep(60)", "longer than 1 seconds"),
])
def test_whatever_the_worker_does_ends_in_words(tmp_path, code, detail):
    with pytest.raises(UserError) as error:
        host.run({}, tmp_path, Progress(), host.Limits(seconds=1 if "sleep" in code else 30), python(code))
    assert detail in error.value.detail
    assert error.value.remedy


def test_words_of_the_worker_are_cleaned(tmp_path):
    code = ("import sys, json; d = json.dumps({'error': ['bad\\n\\x1b[31m' + 'x' * 900, 7, '']}).encode();"
            "sys.stdout.buffer.write(len(d).to_bytes(4, 'big') + d)")
    with pytest.raises(UserError) as error:
        host.run({}, tmp_path, Progress(), None, python(code))
    assert error.value.title.startswith("bad  [31mxxx")
    assert len(error.value.title) == 200


def test_cancelling_kills_the_worker(tmp_path):
    stop = threading.Event()
    code = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    threading.Timer(1.0, stop.set).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        host.run({}, tmp_path, Progress(cancelled=stop.is_set), None, python(code))
    assert time.monotonic() - start < 10
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.skipif(os.name != "posix", reason="limits are POSIX's")
def test_limits_hold(tmp_path):
    code = ("import sys; from desktop_app.analysis.sandbox import worker, channel;"
            "r = channel.receive(sys.stdin.buffer, 10**6); worker._limit(r['limits']);"
            "x = bytearray(2 << 30)")
    with pytest.raises(UserError) as error:
        host.run({}, tmp_path, Progress(), host.Limits(memory=1 << 30), python(code))
    assert "code 1" in error.value.detail
    code = ("import sys, os; from desktop_app.analysis.sandbox import worker, channel;"
            "r = channel.receive(sys.stdin.buffer, 10**6); worker._limit(r['limits']);"
            "open('big', 'wb').write(bytes(2 << 20))")
    with pytest.raises(UserError):
        host.run({}, tmp_path, Progress(), host.Limits(file=1 << 20), python(code))
    assert (tmp_path / "big").stat().st_size <= 1 << 20


def test_the_worker_sees_an_almost_empty_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "s3cret")
    code = ("import os, sys, json; d = json.dumps({'result': dict(os.environ)}).encode();"
            "sys.stdout.buffer.write(len(d).to_bytes(4, 'big') + d)")
    seen = host.run({}, tmp_path, Progress(), None, python(code))
    assert "SECRET_TOKEN" not in seen
    assert seen["HOME"] == str(tmp_path)


@pytest.mark.parametrize("data", [b"", b"\0\0", b"\0\0\0\x05ab", b"\0\0\0\x02xx"])
def test_a_request_that_is_none(data):
    assert worker.main(io.BytesIO(data), io.BytesIO()) == 2


def test_answers_are_checked(tmp_path, table, monkeypatch):
    path = saved(tmp_path, LogisticRegression().fit(FRAME[list(NUMBERS)], Y))
    _, scan = artefacts.inspect(path)
    good = ask("explain", path, table, spec=canonical.plain(spec()))["result"]
    for bad in ({}, good | {"additivity_residual": "nan"}, good | {"explainer": 3}, good | {"notes": ["x" * 2000]},
                good | {"local": good["local"] | {"row": 8}}):
        monkeypatch.setattr(host, "run", lambda *_, bad=bad: bad)
        with pytest.raises(UserError, match="could not be run"):
            explain.explain(path, scan, table, spec())
    for scores in (None, [1.5], ["x"], [True]):
        monkeypatch.setattr(host, "run", lambda *_, scores=scores: {"scores": scores})
        with pytest.raises(UserError, match="could not be run"):
            explain.score(path, scan, table, NUMBERS)
