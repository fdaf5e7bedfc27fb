"""What boosting trains: which calls, where their rounds stand, and what can be cut short."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from boosting_scripts import EMPTY, FUNCTION, PAIRS, PIPELINE, STORED, TRAILING
from rewriting import rewriter

from pushtune.model.space import Domain, Epochs, Value
from pushtune.rewrite.boosting import BoostingCall, read_boosting, rounds_domain

HEAD = "import lightgbm as lgb\nimport xgboost as xgb\nfrom data import d, v, X, y\n"


def read(folder: Path, text: str) -> tuple[BoostingCall, ...]:
    context = rewriter(folder, text).context
    return read_boosting(context.program, context.names, context.tracer)


def written(found: BoostingCall) -> str | None:
    return None if found.written is None else ast.unparse(found.written)


@pytest.mark.parametrize("value", [0, -1, True, 1.5, None, "100"])
def test_no_number_of_rounds(value: Value) -> None:
    assert rounds_domain(value) is None


def test_how_far_rounds_may_go() -> None:
    assert rounds_domain(2) == Domain("int", 1, 50)
    assert rounds_domain(100) == Domain("int", 1, 800)
    assert rounds_domain(1000) == Domain("int", 1, 2000)
    assert rounds_domain(50000) == Domain("int", 1, 50000)


def test_what_a_pipeline_trains_is_not_found_and_forests_have_no_rounds(tmp_path: Path) -> None:
    assert read(tmp_path, PIPELINE) == ()


def test_where_the_number_stands(tmp_path: Path) -> None:
    by_script = [STORED, TRAILING, FUNCTION, PAIRS, EMPTY]

    assert [[written(call) for call in read(tmp_path, text)] for text in by_script] == [
        ["120"], [None], ["300"], ["50"], ["10", None],
    ]  # fmt: skip


def test_in_lightgbm_the_parameters_go_first(tmp_path: Path) -> None:
    text = HEAD + "p = {}\np['n_estimators'] = 30\nlgb.train(p, d, num_boost_round=99, valid_sets=[v])\n"

    assert [written(call) for call in read(tmp_path, text)] == ["30"]


def test_what_is_measured_and_what_can_be_cut_short(tmp_path: Path) -> None:
    text = HEAD + (
        "xgb.train({}, d, 9)\n"
        "xgb.train({}, d, 9, evals=[(v, 'v')])\n"
        "xgb.train({}, d, 9, [(v, 'v')], xgb_model='old.json')\n"
        "for _ in range(3):\n    lgb.train({}, d, 9, valid_sets=None)\n"
        "xgb.XGBClassifier().fit(X, y, eval_set=[(X, y)])\n"
        "lgb.cv({}, d)\n"
    )

    assert [(call.measured, call.whole) for call in read(tmp_path, text)] == [
        (False, False), (True, False), (True, True), (False, True), (True, False), (True, False),
    ]  # fmt: skip


def test_rounds_are_the_budget_where_one_training_can_be_compared(tmp_path: Path) -> None:
    text = HEAD + "n = 40\nxgb.train({}, d, n, evals=[(v, 'v')])\n"

    found = rewriter(tmp_path, text).discovery
    assert found.space.epochs == Epochs("n", 40, 320, unit="round")
    assert "n" not in {parameter.name for parameter in found.space.parameters}


@pytest.mark.parametrize(
    "text",
    [
        "xgb.train({}, d, 40)\n",
        "for _ in range(5):\n    xgb.train({}, d, 40, evals=[(v, 'v')])\n",
        "xgb.cv({}, d, 40)\nlgb.train({}, d, 300, valid_sets=[v])\n",
        "xgb.cv({}, d, 40)\nlgb.train({}, d, 300)\n",
    ],
)
def test_all_other_rounds_are_values_like_any(tmp_path: Path, text: str) -> None:
    space = rewriter(tmp_path, HEAD + text).discovery.space

    assert space.epochs is None
    rounds = [parameter for parameter in space.parameters if parameter.role == "rounds"]
    assert [parameter.default for parameter in rounds] == ([40, 300] if "lgb" in text else [40])


def test_a_rate_for_each_round_depends_on_their_number(tmp_path: Path) -> None:
    def exact(rates: str) -> bool:
        text = f"xgb.train({{}}, d, 9, callbacks=[xgb.callback.LearningRateScheduler({rates})])\n"
        return read(tmp_path, HEAD + "def falling(i):\n    return 1 / i\n" + text)[0].prefix_exact

    assert exact("falling")
    assert exact("lambda i: 0.1")
    assert not exact("[0.1] * 9")
