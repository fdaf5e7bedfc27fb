"""Settings: which place wins, and what a slip prints."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from pushtune.errors import SettingsError, UsageError
from pushtune.settings import OPTIONS, Settings, load_push_settings, load_server_settings, load_settings
from pushtune.settings.load import TABLES


def test_every_option_is_a_setting_and_the_other_way_round() -> None:
    names = {option.name for option in (*OPTIONS, *TABLES)}
    assert names == {field.name for field in fields(Settings)}


def test_a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default(tmp_path: Path) -> None:
    (tmp_path / "pushtune.toml").write_text('trials = 5\nseed = 5\npatience = 5\nargs = "--a 1"\n')
    environ = {"PUSHTUNE_TRIALS": "6", "PUSHTUNE_SEED": "6"}
    settings = load_settings({"trials": "7", "target": None}, root=tmp_path, environ=environ)
    assert (settings.trials, settings.seed, settings.patience, settings.confirm_seeds) == (7, 6, 5, 2)
    assert settings.args == ("--a", "1")


def test_pyproject_is_read_where_there_is_no_pushtune_toml(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.pushtune]\nmax-epochs = 12\nrungs = false\n")
    settings = load_settings({}, root=tmp_path, environ={})
    assert settings.max_epochs == 12
    assert settings.rungs is False


@pytest.mark.parametrize(
    ("flag", "text", "value"),
    [
        ("time", "30m", 1800.0), ("time", "1h30m", 5400.0), ("time", "90", 90.0), ("time", "1.5h", 5400.0),
        ("memory", "8G", 8 * 1024**3), ("memory", "500 MB", 500 * 1024**2), ("jobs", "auto", None),
        ("jobs", "2", 2), ("target", "accuracy > 98%", "accuracy>=0.98"),
        ("args", "--a 'b c'", ("--a", "b c")),
    ],
)  # fmt: skip
def test_what_a_value_may_look_like(tmp_path: Path, flag: str, text: str, value: object) -> None:
    assert getattr(load_settings({flag: text}, root=tmp_path, environ={}), flag) == value


@pytest.mark.parametrize(
    ("flag", "text", "message"),
    [
        ("trials", "0", "--trials must be a whole number from 1 up, not '0'"),
        ("trials", "many", "--trials must be a whole number"),
        ("time", "soon", "--time must be a time such as 90s"),
        ("time", "0s", "--time must be more than nothing"),
        ("seed", "-1", "--seed must be a whole number from 0"),
        ("strategy", "magic", "--strategy must be one of auto, grow, program"),
        ("memory", "lots", "--memory must be a size"),
        ("args", "'open", "--args: No closing quotation"),
        ("target", "accuracy", "cannot read the target 'accuracy'"),
        ("target", "accuracy>=high", "cannot read the target"),
        ("time", "9" * 400, "less than for ever"),
        ("memory", "9" * 400 + "G", "must be a size"),
        ("target", "accuracy>=1e999", "is not finite"),
    ],
)
def test_a_slip_is_one_line(tmp_path: Path, flag: str, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_settings({flag: text}, root=tmp_path, environ={})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_setting_is_named_with_its_nearest(tmp_path: Path) -> None:
    (tmp_path / "pushtune.toml").write_text("trails = 5\n")
    with pytest.raises(SettingsError, match="no setting called 'trails'") as caught:
        load_settings({}, root=tmp_path, environ={})
    assert caught.value.fix == "did you mean 'trials'?"


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "pushtune.toml").write_text("trials = \n")
    with pytest.raises(SettingsError, match=r"pushtune.toml cannot be read"):
        load_settings({}, root=tmp_path, environ={})


@pytest.mark.parametrize(
    ("text", "said", "fix"),
    [
        ('args = ""\ntagret = "accuracy>=0.9"\n', "no setting called 'tagret' (line 2)", "'target'"),
        ("trials = 4\ntarget = accuracy>=0.95\n", "line 2, column 10): 'target = accuracy", "quotes"),
        ('\ntrials = "many"\n', "'many' (line 2)", ""),
        ('# [x]\ntrial-time = "soon"\n', "'soon' (line 2)", ""),
        ("[environment]\n\nmemroy = 4\n", "called 'memroy' (line 3)", "memory"),
        ('trials = 1\n[environment]\ndata = ["cats"]\n', "(line 3)", ""),
        (
            '\ntarget = "accuracy>=high"\n',
            "cannot read the target 'accuracy>=high' (line 2)",
            'target = "acc',
        ),
        ('mail_attach = ["pach"]\n', "no attachment called 'pach' (line 1)", "patch, log"),
        ('mail = "author"\nmail_when = ["sucess"]\n', "no occasion called 'sucess' (line 2)", "success"),
    ],
)
def test_a_slip_in_a_file_is_told_with_its_line_and_the_fix(
    tmp_path: Path, text: str, said: str, fix: str
) -> None:
    (tmp_path / "pushtune.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_push_settings(tmp_path, load_server_settings(tmp_path / "home", {}, {}))
    assert str(caught.value).startswith("pushtune.toml")
    assert said in str(caught.value)
    assert fix in (caught.value.fix or "")
    assert "\n" not in str(caught.value)


def test_the_line_is_that_of_the_whole_pyproject_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[x]\ntrials = 1\n[tool.pushtune]\ntrials = "many"\n')
    with pytest.raises(SettingsError, match=r"pyproject.toml: trials .* \(line 4\)"):
        load_settings({}, root=tmp_path, environ={})


def test_the_operators_file_has_lines_too(tmp_path: Path) -> None:
    (tmp_path / "server.toml").write_text('slots = 2\nmail_when = ["allways"]\n')
    with pytest.raises(SettingsError, match=r"server.toml: mail_when: .* 'allways' \(line 2\)"):
        load_server_settings(tmp_path, {}, {})
