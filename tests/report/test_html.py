"""The page: what a reader sees, and what a hostile script cannot make of it."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from report_cases import DIFF, curve, digits, trial

from pushtune.model.space import Assignment
from pushtune.model.states import Purpose, TrialState
from pushtune.report import Arm, Change, CommandLine, Demoted, ReportFile, StudyReport, render_html
from pushtune.report.html import MAX_DIFF_LINES, MAX_ROWS, diff_lines

HOSTILE = (
    """"'><script>alert(1)</script><img src=x onerror=alert(2)></title></style><!-- {{ 7*7 }} {% raw %}"""
)


class Page(HTMLParser):
    """Collects the tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.extend(attrs)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def pictures(page: str) -> list[ElementTree.Element]:
    """Parse every SVG strictly; raises if one is not well-formed."""
    return [ElementTree.fromstring(text) for text in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]


def test_the_page_shows_other_arguments_and_what_was_not_borne_out_as_text() -> None:
    command = CommandLine("python train.py", ("--lr", "0.1"), ("--lr", "0.03", HOSTILE))
    arm = Arm("demoted", (0.95, 0.91), "test set")
    demoted = (Demoted(arm, Assignment.of({"act": HOSTILE}), 7, 0.97),)
    page = Page(render_html(digits(command=command, demoted=demoted)))
    assert "-python train.py --lr 0.1" in page.text
    assert "+python train.py --lr 0.03" in page.text
    assert "trial 7" in page.text
    assert "0.9700 in the search, 0.9300 ± 0.0283 when it was trained again (2 seeds)" in page.text
    assert page.tags.count("script") == 1
    assert "img" not in page.tags


def test_the_page_says_what_was_won_on_which_data_and_how_to_get_it() -> None:
    text = Page(render_html(digits())).text
    for expected in (
        "Target met",
        "0.9903 ± 0.0014",
        "0.9736 ± 0.0014",
        "test set, 3 seeds",
        "accuracy>=0.985",
        "Chosen on the validation data that the script splits off, 13 looks.",
        "11.9 times the standard deviation between seeds",
        "filters of Conv2D",
        "git apply",
        "the target is met on 3 seeds",
        "The script sets no seed",
        "loss is not a number",
        "diverged",
        "your script, 14 epochs",
    ):
        assert expected in text


def test_three_pictures_show_seeds_progress_and_curves() -> None:
    page = render_html(digits())
    seeds, progress, curves = pictures(page)
    assert len(seeds.findall(".//circle[@class='seed']")) == 9
    assert len(progress.findall(".//circle[@class='baseline']")) == 1
    assert len(progress.findall(".//line[@class='target']")) == 1
    assert len(curves.findall("./polyline[@class='rank2']")) == 1
    assert len(curves.findall("./polyline[@class='baseline']")) == 1


def test_best_so_far_only_ever_improves() -> None:
    _seeds, progress, _curves = pictures(render_html(digits()))
    line = progress.find("./polyline[@class='best']")
    assert line is not None
    heights = [float(point.split(",")[1]) for point in line.attrib["points"].split()]
    assert heights == sorted(heights, reverse=True)  # SVG's y grows downwards
    assert len(set(heights)) > 3


def test_best_so_far_falls_where_less_is_better() -> None:
    trials = tuple(trial(n, value) for n, value in enumerate((0.9, 0.7, 0.8, 0.4)))
    report = digits(direction="min", metric="loss", trials=trials, target=None)
    line = pictures(render_html(report))[1].find("./polyline[@class='best']")
    assert line is not None
    heights = [float(point.split(",")[1]) for point in line.attrib["points"].split()]
    assert heights == sorted(heights)
    assert len(set(heights)) == 3


def hostile_report() -> StudyReport:
    bad = HOSTILE
    return digits(
        study=bad,
        title=bad,
        script=bad,
        metric=bad,
        why_stopped=bad,
        metric_source=bad,
        chosen_on=bad,
        diff=f"+{bad}\n-{bad}\n",
        next_command=bad,
        machine=bad,
        started=bad,
        reproduce=(bad,),
        warnings=(bad,),
        files=(ReportFile(bad, bad),),
        versions=((bad, bad),),
        baseline=Arm(bad, (0.5,), bad),
        winner=Arm(bad, (0.6, 0.7), bad),
        changes=(Change(bad, bad, bad, bad, 3, bad),),
        trials=(
            trial(0, 0.5, purpose=Purpose.BASELINE, assignment=Assignment()),
            trial(1, 0.6, assignment=Assignment.of({bad: bad}), message=bad, state=TrialState.FAILED),
            trial(2, 0.7, assignment=Assignment((), source=bad)),
        ),
    )


def test_nothing_from_outside_becomes_markup() -> None:
    text = render_html(hostile_report())
    page, harmless = Page(text), Page(render_html(digits()))
    assert page.tags.count("script") == 1
    assert set(page.tags) <= set(harmless.tags)
    assert not any(name.startswith("on") for name, _value in page.attributes)
    assert "{{ 7*7 }}" in text  # not evaluated either
    assert len(pictures(text)) == 3


def test_the_page_needs_no_network_and_nothing_beside_it() -> None:
    text = render_html(digits())
    page = Page(text)
    assert not re.search(r"(?:https?:)?//[a-z0-9]", text, re.IGNORECASE)
    assert not {"link", "img", "iframe", "object", "embed"} & set(page.tags)
    assert not {"src", "href", "srcset", "action"} & {name for name, _value in page.attributes}
    assert "@import" not in text
    assert "url(" not in text


def test_the_policy_allows_only_the_pages_own_script() -> None:
    policy = next(
        value for _name, value in Page(render_html(digits())).attributes if value and "default-src" in value
    )
    assert "default-src 'none'" in policy
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='", policy)


def test_the_same_study_gives_the_same_page() -> None:
    assert render_html(digits()) == render_html(digits())


NO_ARM = {"winner": None, "baseline": None, "winner_trial": None, "controls": ()}
STRANGE: dict[str, dict[str, object]] = {
    "nothing ran": {"trials": (), "diff": "", "changes": (), **NO_ARM},
    "only the baseline": {"trials": (trial(0, 0.97, purpose=Purpose.BASELINE),), "winner": None},
    "no curves": {"trials": (trial(0, 0.9, curve=()), trial(1, 0.95, curve=(), epochs=None))},
    "one epoch": {"trials": (trial(0, 0.9, 1), trial(1, 0.95, 1))},
    "all failed": {"trials": tuple(trial(n, None, state=TrialState.FAILED) for n in range(3))},
    "equal values": {"trials": (trial(0, 0.5), trial(1, 0.5)), "winner": Arm("w", (0.5, 0.5), "test set")},
    "no numbers": {"trials": (trial(0, math.nan), trial(1, math.inf, curve=(math.nan, math.inf)))},
    "huge values": {"trials": (trial(0, 1e300), trial(1, -1e300, curve=(1e308, -1e308, 1e9)))},
    "tiny values": {"trials": (trial(0, 1e-12), trial(1, 3e-12)), "target": None},
    "arms without numbers": {"winner": Arm("w", (math.nan,), "d"), "baseline": Arm("b", (), "d")},
}


@pytest.mark.parametrize("name", STRANGE)
def test_small_and_strange_studies_still_give_a_page(name: str) -> None:
    text = render_html(digits(**STRANGE[name]))
    drawn = pictures(text)
    numbers = [value for picture in drawn for shape in picture.iter() for value in shape.attrib.values()]
    assert not any(re.search(r"\b(nan|inf)\b", value) for value in numbers), name
    assert Page(text).tags.count("main") == 1


def test_an_empty_study_says_so() -> None:
    report = digits(trials=(), winner=None, baseline=None, controls=(), winner_trial=None)
    text = Page(render_html(report)).text
    assert "Nothing was measured" in text
    assert "No trial was run." in text


def test_a_huge_study_stays_a_small_page() -> None:
    long, shared = "x" * 100_000, curve(0.9, 1000)
    trials = [trial(0, 0.5, purpose=Purpose.BASELINE)]
    trials += [trial(n, 0.5 + n / 10_000, 1000, message=long, curve=shared) for n in range(1, 3000)]
    report = digits(trials=tuple(trials), diff="+x" * 500_000 + "\n" + DIFF * 5000, winner_trial=2)
    text = render_html(report)
    assert len(text) < 3_000_000
    assert text.count("<tr>") + text.count('<tr class="winner">') < MAX_ROWS + 20
    assert "2,500 more trials not shown" in Page(text).text
    assert '<td data-key="0">' in text  # the baseline
    assert '<tr class="winner">' in text  # the winner, though many trials look better
    assert len(pictures(text)) == 3


def test_a_diverged_run_does_not_flatten_the_others() -> None:
    trials = [trial(n, 0.9 + n / 1000, curve=()) for n in range(20)] + [trial(20, -5000.0, curve=())]
    progress = pictures(render_html(digits(trials=tuple(trials))))[1]
    labels = [
        float(text.text) for text in progress.findall("./text") if text.attrib.get("text-anchor") == "end"
    ]
    assert min(labels) > 0.5


def test_the_patch_is_coloured_line_by_line() -> None:
    kinds = [line.kind for line in diff_lines(DIFF)]
    assert kinds[:4] == ["file", "file", "file", "hunk"]
    assert kinds.count("added") == 3
    assert kinds.count("removed") == 1
    long = diff_lines("+x\n" * (MAX_DIFF_LINES + 7))
    assert len(long) == MAX_DIFF_LINES + 1
    assert "7 more lines" in long[-1].text


def test_a_target_missed_is_said() -> None:
    report = digits(winner=Arm("winner", (0.98, 0.979), "test set"), confirmed=False)
    text = Page(render_html(report)).text
    assert "Target not met" in text
    assert "Not confirmed on further seeds." in text
    assert replace(report, target=None).target_met is None
