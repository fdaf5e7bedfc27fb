"""The end of a run in the terminal, and the same for a program."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from report_cases import digits, trial

from pushtune.model.space import Assignment
from pushtune.report import (
    Arm,
    Change,
    CommandLine,
    Demoted,
    ReportFile,
    render_text,
    summary_json,
    words,
)


def test_the_summary_as_a_user_reads_it() -> None:
    assert render_text(digits()).splitlines() == [
        "Target met (wanted accuracy>=0.985). Stopped because: the target is met on 3 seeds",
        "",
        "  winner (trial 10)       accuracy 0.9903 ± 0.0014  (test set, 3 seeds)",
        "  your script             accuracy 0.9736 ± 0.0014  (test set, 3 seeds)",
        "  your script, 14 epochs  accuracy 0.9755 ± 0.0008  (test set, 3 seeds)",
        "",
        "  Gain over your script: +0.0167, 11.9 times the standard deviation between seeds.",
        "  Chosen on the validation data that the script splits off, 13 looks.",
        "  accuracy as model.evaluate returns it at line 31; compared on the test set.",
        "",
        "What changed",
        "  train.py:14  filters of Conv2D: 16 -> 32",
        "  train.py:22  learning rate of Adam: 0.001 -> 0.0023",
        "",
        "  note: The script sets no seed: two runs of it differ.",
        "",
        "Files",
        "  .pushtune/studies/digits-4f2a91c0/winner.patch  the change, for git apply",
        "  .pushtune/studies/digits-4f2a91c0/model.keras   the best model",
        "",
        "Next: pushtune apply",
    ]


def test_nothing_better_is_said_plainly() -> None:
    text = render_text(digits(winner=None, winner_trial=None, target=None, changes=(), controls=()))
    assert text.startswith("Nothing better than your script was found.")
    assert "Gain" not in text
    assert "What changed" not in text


def test_a_baseline_that_meets_the_target_is_said() -> None:
    text = render_text(digits(winner=None, baseline=Arm("your script", (0.99,), "test set")))
    assert text.startswith("Your script meets the target as it is (wanted accuracy>=0.985).")


def test_a_gain_within_the_noise_is_called_luck() -> None:
    report = digits(
        baseline=Arm("your script", (0.970, 0.980, 0.975), "test set"),
        winner=Arm("winner", (0.978, 0.979, 0.980), "test set"),
    )
    assert "Less than twice the noise: it may be luck" in render_text(report)
    text = render_text(replace(report, target=None))
    assert text.startswith("A script that may be better was found: the gain is within the noise.")


@pytest.mark.parametrize(
    ("baseline", "winner", "verdict"),
    [
        ((0.90, 0.91), (0.95, 0.96), "A better script was found"),
        ((0.90, 0.90), (0.91, 0.91), "A better script was found"),  # seeds change nothing
        ((0.90,), (0.95,), "A script that may be better was found: one run of each is no proof"),
        ((0.90, 0.96), (0.95, 0.96), "A script that may be better was found: the gain is within the noise"),
    ],
)
def test_the_heading_claims_no_more_than_the_seeds_show(
    baseline: tuple[float, ...], winner: tuple[float, ...], verdict: str
) -> None:
    report = digits(
        target=None,
        baseline=Arm("your script", baseline, "test set"),
        winner=Arm("winner", winner, "test set"),
    )
    assert words.verdict(report) == verdict


ARGUMENTS = CommandLine(
    "python train.py", ("--lr", "0.1", "--note", "a b"), ("--lr", "0.03", "--note", "a b")
)


def test_other_arguments_are_said_where_no_patch_can_hold_them() -> None:
    lines = render_text(digits(command=ARGUMENTS, diff="")).splitlines()
    place = lines.index(
        "Start it with other arguments (they are part of the winner, and no patch can hold them)"
    )
    assert lines[place + 1 : place + 3] == [
        "  yours   python train.py --lr 0.1 --note 'a b'",
        "  winner  python train.py --lr 0.03 --note 'a b'",
    ]
    body = summary_json(digits(command=ARGUMENTS))["command"]
    assert body == {
        "yours": "python train.py --lr 0.1 --note 'a b'",
        "winner": "python train.py --lr 0.03 --note 'a b'",
        "arguments": ["--lr", "0.03", "--note", "a b"],
    }
    assert summary_json(digits())["command"] is None


def test_candidates_that_were_not_borne_out_are_named_with_what_they_came_to() -> None:
    demoted = (
        Demoted(Arm("demoted", (0.95, 0.91, 0.93), "test set"), Assignment.of({"units": 64}), 7, 0.97),
        Demoted(Arm("demoted", (), "test set"), Assignment((), source="ab" * 32)),
    )
    lines = render_text(digits(demoted=demoted)).splitlines()
    place = lines.index("Led the search, and not when trained again")
    assert lines[place + 1 : place + 3] == [
        "  trial 7 (units=64): 0.9700 in the search, 0.9300 ± 0.0200 when it was trained again (3 seeds)",
        "  a candidate (whole source abababababab): no run of it came to its end when it was trained again",
    ]
    first = summary_json(digits(demoted=demoted))["demoted"][0]
    assert (first["trial"], first["values"], first["searched"]) == (7, {"units": 64}, 0.97)
    assert first["arm"]["values"] == [0.95, 0.91, 0.93]


def test_one_seed_proves_little_and_the_summary_says_so() -> None:
    report = digits(
        baseline=Arm("your script", (0.97,), "test set"),
        winner=Arm("winner", (0.98,), "test set"),
        confirmed=False,
    )
    text = render_text(report)
    assert "One seed only: this may be luck." in text
    assert "Not confirmed on further seeds." in text
    assert "±" not in text.replace("±  ", "").split("your script, 14")[0]


def test_a_winner_judged_by_the_validation_data_that_chose_it_is_called_too_good() -> None:
    report = digits(chosen_on="the script's validation data", looks=31)
    assert report.winner is not None
    judged = replace(report, winner=replace(report.winner, data="validation set"))
    assert "judged on: expect somewhat less" in render_text(judged)
    assert "judged on: expect somewhat less" not in render_text(report)


def test_a_winner_chosen_on_the_test_set_is_called_too_good() -> None:
    text = render_text(digits(chosen_on="the script's test set", looks=31))
    assert "Chosen on the script's test set, 31 looks." in text
    assert "expect somewhat less on new data" in text
    assert "expect somewhat less" not in render_text(digits())


def test_less_is_better_counts_the_gain_the_other_way() -> None:
    report = digits(
        direction="min", baseline=Arm("b", (0.5, 0.52), "test set"), winner=Arm("w", (0.3, 0.32), "test set")
    )
    assert report.gain == pytest.approx(0.2)


def test_the_deviation_is_the_sample_one() -> None:
    assert Arm("a", (1.0, 2.0, 3.0, math.nan), "d").std == pytest.approx(1.0)
    assert Arm("a", (1.0,), "d").std is None
    assert Arm("a", (), "d").mean is None


def test_a_terminal_never_gets_a_control_character() -> None:
    report = digits(
        warnings=("\x1b[2Jgone\r\nnew line",),
        changes=(Change("n", "\x1b]0;x\x07", 1, "train.py", 2),),
        why_stopped="a\x1bb",
        metric="acc\x1b[31muracy",
        files=(ReportFile("a\x1b[2J/b", "c\x07"),),
    )
    text = render_text(report)
    assert "\x1b" not in text
    assert "\r" not in text
    assert "\x07" not in text
    assert "note: [2Jgone  new line" in text


def test_a_long_list_of_changes_is_cut() -> None:
    text = render_text(digits(changes=tuple(Change(f"k{n}", 1, 2) for n in range(100))))
    assert "and 70 more" in text


def test_json_holds_it_all_and_only_json() -> None:
    report = digits(trials=(trial(0, math.nan, curve=(0.5, math.inf)),), winner=Arm("w", (math.nan,), "d"))
    body = json.loads(json.dumps(summary_json(report), allow_nan=False))
    assert body["trials"][0]["value"] is None
    assert body["trials"][0]["curve"] == [0.5, None]
    assert body["winner"]["mean"] is None
    assert body["target_met"] is False
    assert body["gain"] is None


def test_json_has_the_figures_of_the_text() -> None:
    body = summary_json(digits())
    assert body["winner"]["mean"] == pytest.approx(0.9903)
    assert body["baseline"]["values"] == [0.9736, 0.9750, 0.9722]
    assert body["target"] == "accuracy>=0.985"
    assert body["target_met"] is True
    assert body["metric"]["looks"] == 13
    assert body["controls"][0]["name"] == "your script, 14 epochs"
    assert [row["number"] for row in body["trials"]] == list(range(13))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.98765, "0.9877"),
        (0.0, "0.0000"),
        (123.4, "123.4000"),
        (1e-5, "1e-05"),
        (12345.678, "1.235e+04"),
        (None, "–"),
    ],
)
def test_numbers(value: float | None, text: str) -> None:
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(4.21, "4.2 s"), (60, "1 min 0 s"), (185, "3 min 5 s"), (7805, "2 h 10 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text
