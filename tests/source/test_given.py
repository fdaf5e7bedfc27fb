"""What the command line gives is followed to its place there, and to nothing that is not certain."""

from __future__ import annotations

from pathlib import Path

import pytest
from tracing_cases import origins, values

SURE, MAYBE = True, False
ARGPARSE = """import argparse
p = argparse.ArgumentParser()
p.add_argument("-n", "--number", type=int, default=8)
p.add_argument("--name", default="relu")
p.add_argument("--rate", type=float)
p.add_argument("-v", "--verbose", action="store_true")
p.add_argument("--many", nargs="+", type=int)
a = p.parse_args()
"""


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (("--number", "3"), [(3, SURE)]),
        (("--number=3",), [(3, SURE)]),
        (("-n", "3"), [(3, SURE)]),
        (("-n3",), [(3, SURE)]),
        (("-n=3",), [(3, SURE)]),
        (("--num", "3"), [(3, SURE)]),  # argparse completes what is abbreviated
        (("-n", "3", "-v", "--number", "4"), [(4, SURE)]),  # the last one counts
        (("-v", "-n", "3"), [(3, SURE)]),
        (("--many", "1", "2", "-n", "3"), [(3, SURE)]),
        (("--name", "elu"), [(8, SURE)]),  # another option: the default stays in the source
        (("--n", "3"), []),  # --number or --name
        (("--number", "-v"), []),  # no value
        (("--number", "many"), [("many", SURE)]),  # the script itself fails here
        (("--rate", "-1.5", "-n", "3"), [(3, SURE)]),
    ],
)
def test_an_option_of_argparse(
    tmp_path: Path, args: tuple[str, ...], found: list[tuple[object, bool]]
) -> None:
    assert values(tmp_path, ARGPARSE + "use(a.number)", *args) == found


def test_the_place_is_that_on_the_command_line(tmp_path: Path) -> None:
    (origin,) = origins(tmp_path, ARGPARSE + "use(a.number)", "--name", "a b", "--number=3")
    (span,) = origin.spans
    assert (origin.style, origin.name, span.file, span.line) == ("argparse", "a.number", "--args", 1)
    assert "--name 'a b' --number=3"[span.column : span.end_column] == "3"


@pytest.mark.parametrize(
    "text",
    [
        ARGPARSE.replace("parse_args()", "parse_args([])"),
        ARGPARSE.replace("parse_args()", "parse_args(words)"),
        "import sys\nsys.argv.append('-v')\n" + ARGPARSE,
        "import sys\nsys.argv[1:] = []\n" + ARGPARSE,
        ARGPARSE.replace("type=int, default=8", "type=parse, default=8"),
        ARGPARSE.replace("type=int, default=8", "nargs=1, default=8"),
        ARGPARSE.replace("type=int, default=8", "action='append', default=8"),
        ARGPARSE.replace("type=int, default=8", "default=8, **more"),
        ARGPARSE.replace("type=int, default=8", "type=int, default=8, choices=allowed"),
    ],
)
def test_what_is_not_certain_has_no_place(tmp_path: Path, text: str) -> None:
    assert values(tmp_path, text + "use(a.number)", "--number", "3") == []


@pytest.mark.parametrize(
    "parsing",
    [
        "p.parse_args(sys.argv[1:])",
        "p.parse_args(None)",
        "p.parse_known_args()[0]",
        "p.parse_args(args=rest)",
    ],
)
def test_ways_to_read_the_command_line_as_it_is(tmp_path: Path, parsing: str) -> None:
    text = "import sys, argparse\n_, rest = argparse.ArgumentParser().parse_known_args()\n"
    text += ARGPARSE.replace("p.parse_args()", parsing)
    assert values(tmp_path, text + "use(a.number)", "--number", "3") == [(3, SURE)]


def test_a_main_function_that_may_be_handed_arguments(tmp_path: Path) -> None:
    text = ARGPARSE.replace("a = p.parse_args()\n", "")
    text += "def main(argv=None):\n    a = p.parse_args(argv)\n    use(a.number)\nmain()\n"
    assert values(tmp_path, text, "-n", "3") == [(3, SURE)]


POSITIONS = """import argparse
p = argparse.ArgumentParser()
p.add_argument("data")
p.add_argument("number", type=int)
p.add_argument("--seed", type=int)
a = p.parse_args()
use(a.number)
"""


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (("in.csv", "3"), [(3, SURE)]),
        (("in.csv", "--seed", "1", "3"), [(3, SURE)]),
        (("--seed=1", "--", "in.csv", "3"), [(3, SURE)]),
        (("in.csv",), []),
        (("in.csv", "3", "4"), []),
        (("in.csv", "3", "--other", "4"), []),  # nobody declared --other: what it takes is not known
    ],
)
def test_positional_arguments(
    tmp_path: Path, args: tuple[str, ...], found: list[tuple[object, bool]]
) -> None:
    assert values(tmp_path, POSITIONS, *args) == found


def test_of_sub_commands_no_positional_argument_is_certain(tmp_path: Path) -> None:
    text = POSITIONS.replace('p.add_argument("data")', "p.add_subparsers().add_parser('fit')")
    assert values(tmp_path, text, "fit", "3") == []


@pytest.mark.parametrize(
    ("text", "args", "found"),
    [
        ("import sys\nuse(int(sys.argv[1]))", ("3",), [(3, SURE)]),
        ("import sys\nuse(float(sys.argv[2]))", ("x", "0.5"), [(0.5, SURE)]),
        ("from sys import argv\nuse(int(argv[1]))", ("3",), [(3, SURE)]),
        ("import sys\nuse(int(sys.argv[1]))", (), []),
        ("import sys\nuse(sys.argv[0])", ("3",), []),
        # What is given is given to be used.
        ("import sys\nuse(int(sys.argv[1]) if len(sys.argv) > 1 else 8)", ("3",), [(3, SURE)]),
        ("import sys\nn = 8\nif len(sys.argv) > 1:\n    n = int(sys.argv[1])\nuse(n)", ("3",), [(3, SURE)]),
        ("import sys\nsys.argv = [1]\nuse(int(sys.argv[1]))", ("3",), []),
        ("import click\n@click.command()\n@click.option('--n', default=8)\ndef main(n):\n    use(n)\nmain()",
         ("--n", "3"), [(3, SURE)]),
        ("import click\n@click.command()\n@click.option('-n', '--number', type=click.INT)\n"
         "def main(number):\n    use(number)\nmain()", ("-n3",), [(3, SURE)]),
        ("import click\n@click.command()\n@click.option('--n', multiple=True, default=8)\n"
         "def main(n):\n    use(n)\nmain()", ("--n", "3"), []),
        ("import click\n@click.command()\n@click.argument('n', type=float)\ndef main(n):\n    use(n)\nmain()",
         ("3.5",), [(3.5, SURE)]),
        ("import typer\ndef main(n: int = 8):\n    use(n)\ntyper.run(main)", ("--n", "3"), [(3, MAYBE)]),
        ("import fire\ndef main(n=0.5):\n    use(n)\nfire.Fire(main)", ("--n=0.25",), [(0.25, MAYBE)]),
        ("from absl import flags\nFLAGS = flags.FLAGS\nflags.DEFINE_integer('n', 8, 'help')\nuse(FLAGS.n)",
         ("--n=3",), [(3, SURE)]),
    ],
)  # fmt: skip
def test_other_ways_to_be_given_a_value(
    tmp_path: Path, text: str, args: tuple[str, ...], found: list[tuple[object, bool]]
) -> None:
    assert values(tmp_path, text, *args) == found


def test_the_choices_of_an_option_are_kept_with_its_value(tmp_path: Path) -> None:
    text = ARGPARSE.replace('default="relu"', 'default="relu", choices=["relu", "elu"]')
    (origin,) = origins(tmp_path, text + "use(a.name)", "--name", "elu")
    assert (origin.value, origin.choices) == ("elu", ("relu", "elu"))
    (default,) = origins(tmp_path, text + "use(a.name)")
    assert (default.value, default.choices) == ("relu", ()), "argparse does not look at a default"


def test_arguments_of_broken_bytes_are_left_alone(tmp_path: Path) -> None:
    assert values(tmp_path, ARGPARSE + "use(a.number)", "--number", "3", "--name", "\udcff") == []
