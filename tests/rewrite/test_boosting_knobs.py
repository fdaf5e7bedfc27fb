"""XGBoost and LightGBM: what must not be touched, what an expert would tune, and how it is written back."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from boosting_scripts import DICT, EMPTY, FUNCTION, PAIRS, PIPELINE, SAMPLES, STORED, TRAILING
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rewriting import knob, knobs, rewriter, rewritten
from test_catalogue_is_true import differences, entries
from test_properties import values_of

from pushtune.model.analysis import Script, ScriptFile
from pushtune.model.space import Assignment
from pushtune.rewrite import Rewriter
from pushtune.source import SourceText, undo_edits

HEAD = "import xgboost as xgb\nfrom data import d, given\n"


def found_in(folder: Path, text: str) -> dict[str, object]:
    return dict(knobs(rewriter(folder, HEAD + textwrap.dedent(text))))


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_never_touched(tmp_path: Path, name: str) -> None:
    names = {item.name.rpartition(".")[2] for item in rewriter(tmp_path, SAMPLES[name]).discovery.knobs}

    assert not names & {
        "objective", "num_class", "eval_metric", "metric", "seed", "random_state", "nthread", "n_jobs",
        "num_threads", "verbose", "verbosity", "boosting_type", "stopping_rounds",
    }  # fmt: skip


def test_a_key_whose_value_depends_on_the_way_is_left_alone(tmp_path: Path) -> None:
    found = found_in(
        tmp_path,
        """
        params = {"eta": 0.1, "max_depth": 3, "subsample": 0.5}
        if given:
            params["max_depth"] = 8
        for rate in (0.1, 0.2):
            params["eta"] = rate
            xgb.cv(params, d, 20)
        """,
    )

    assert not {name for name in found if "max_depth" in name or "eta" in name}
    assert found["params.subsample"] == 0.5


def test_nothing_is_added_to_a_table_that_is_not_known_in_full(tmp_path: Path) -> None:
    for text in (
        'params = {"eta": 0.1, **given}\nxgb.train(params, d)',
        'params = {"eta": 0.1}\nparams[given] = 3\nxgb.train(params, d)',
        'params = {"eta": 0.1}\nparams.update(given)\nxgb.train(params, d)',
        "params = dict(given, eta=0.1)\nxgb.train(params, d)",
        "xgb.train(given, d)",
    ):
        found = found_in(tmp_path, text)
        assert not {name for name in found if name.startswith("params.") and name != "params.eta"}, text


def test_what_is_stored_after_a_call_is_nothing_to_it(tmp_path: Path) -> None:
    found = found_in(
        tmp_path,
        """
        params = {"eta": 0.3}
        xgb.cv(params, d, 20)
        params["eta"] = 0.01
        xgb.train(params, d, 200)
        params["eta"] = 0.5
        params = {"eta": 0.7}
        """,
    )

    assert [value for name, value in found.items() if "eta" in name] == [0.3, 0.01]


def test_bagging_without_a_frequency_is_dead(tmp_path: Path) -> None:
    script = TRAILING.replace('    "bagging_freq": 5,\n', "")

    assert "params.bagging_fraction" in knobs(rewriter(tmp_path, TRAILING))
    assert "params.bagging_fraction" not in knobs(rewriter(tmp_path, script))


def test_a_dictionary_and_what_it_leaves_at_its_defaults(tmp_path: Path) -> None:
    found = rewriter(tmp_path, DICT)

    assert knobs(found) == {
        "param.max_depth": 2, "param.eta": 1.0, "num_round": 20,
        "param.min_child_weight": 1.0, "param.subsample": 1.0, "param.colsample_bytree": 1.0,
        "param.reg_lambda": 1.0,
    }  # fmt: skip
    assert knob(found, "param.eta").style == "dict"
    assert knob(found, "param.subsample").style == "implicit"
    text = rewritten(found, {"param.eta": 0.05, "param.subsample": 0.7, "param.reg_lambda": 2.0})
    assert (
        "param = {'max_depth': 2, \"eta\": 0.05, 'objective': 'binary:logistic', 'nthread': 4, 'seed': 7, "
        "'num_class': 2, 'subsample': 0.7, 'reg_lambda': 2.0}\n"
    ) in text


def test_items_stored_one_by_one(tmp_path: Path) -> None:
    found = rewriter(tmp_path, STORED)

    assert {name: value for name, value in knobs(found).items() if knob(found, name).style != "implicit"} == {
        "param.eta": 0.1, "param.max_depth": 6, "train.num_boost_round": 120,
    }  # fmt: skip
    text = rewritten(found, {"param.max_depth": 9, "param.subsample": 0.5, "train.num_boost_round": 60})
    assert "param = {'subsample': 0.5}\n" in text
    assert "param['max_depth'] = 9\n" in text
    assert "dtrain, 60, [" in text


def test_a_dictionary_over_several_lines(tmp_path: Path) -> None:
    found = rewriter(tmp_path, TRAILING)

    assert knobs(found) == {
        "params.num_leaves": 31, "params.learning_rate": 0.05, "params.feature_fraction": 0.9,
        "params.bagging_fraction": 0.8, "params.bagging_freq": 5,
        "params.min_data_in_leaf": 20, "params.lambda_l2": 0.0, "train.num_boost_round": 100,
    }  # fmt: skip
    text = rewritten(found, {"params.lambda_l2": 1.5, "params.num_leaves": 15})
    assert '    "verbose": 0,   # quiet\n    "lambda_l2": 1.5,\n}\n' in text
    assert '    "num_leaves": 15,\n' in text


def test_a_dictionary_through_functions_and_copies(tmp_path: Path) -> None:
    found = rewriter(tmp_path, FUNCTION)

    assert knobs(found) == {
        "BASE.learning_rate": 0.1, "BASE.num_leaves": 63, "settings.depth": 7, "params.min_child_samples": 10,
        "params.reg_lambda": 1.5, "lgbm_classifier.n_estimators": 300,
        "lgbm_classifier.colsample_bytree": 1.0,
    }  # fmt: skip


def test_pairs_and_empty_tables(tmp_path: Path) -> None:
    pairs = rewriter(tmp_path, PAIRS)
    assert {"train.learning_rate": 0.3, "train.max_depth": 4, "train.num_boost_round": 50}.items() <= knobs(
        pairs
    ).items()
    assert '[("eta", .3), ("max_depth", 4), ("subsample", 0.5)]' in rewritten(pairs, {"train.subsample": 0.5})

    empty = rewriter(tmp_path, EMPTY)
    text = rewritten(empty, {"params.max_depth": 3, "extra.learning_rate": 0.1})
    assert 'params = {"max_depth": 3}\n' in text
    assert "extra = dict(learning_rate=0.1)\n" in text
    assert "extra.num_boost_round" not in knobs(empty)


def test_estimators_in_a_pipeline(tmp_path: Path) -> None:
    found = knobs(rewriter(tmp_path, PIPELINE))

    assert found["xgb_classifier.max_depth"] == 4
    assert found["xgb_classifier.learning_rate"] == 0.2
    assert found["xgb_classifier.n_estimators"] == 100
    assert found["xgbrf_regressor.n_estimators"] == 50
    assert "xgbrf_regressor.learning_rate" not in found


@pytest.mark.parametrize("name", sorted(SAMPLES))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_values_parse_and_come_back(name: str, data: st.DataObject) -> None:
    source = SAMPLES[name].replace("\n", data.draw(st.sampled_from(["\n", "\r\n"])))
    found = Rewriter(Script("/nowhere", "train.py", (ScriptFile("train.py", source.encode()),)))
    space = found.discovery.space
    domains = {parameter.name: values_of(parameter.domain) for parameter in space.parameters}
    chosen = data.draw(st.fixed_dictionaries({}, optional=domains))

    candidate = found.apply(Assignment.of(chosen))

    after = SourceText.read(candidate.files[0])
    assert (
        undo_edits(found.program.entry.source, candidate.edits, after.text) == found.program.entry.source.text
    )
    again = knobs(Rewriter(Script("/nowhere", "train.py", candidate.files)))
    assert again == {**knobs(found), **chosen}


def test_the_catalogue_is_true_of_the_installed_libraries() -> None:
    for framework in ("xgboost", "lightgbm"):
        pytest.importorskip(framework)
        assert [line for entry in entries(framework) for line in differences(entry)] == [], framework
