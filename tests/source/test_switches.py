"""Options that are the same in every run settle conditions, and with them what is never run."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pushtune.source import load_script, parse_program
from pushtune.source.settled import settled

PARSER = """\
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--quick", action="store_true")
parser.add_argument("--no-cuda", dest="cuda", action="store_false")
parser.add_argument("--model", "-m", default="mlp", choices=["mlp", "deep"])
parser.add_argument("--resume", default=None)
parser.add_argument("--amp", type=bool, default=False)
parser.add_argument("--width", type=int, default=0)
parser.add_argument("--limit", type=int)
parser.add_argument("--name", type=str.lower, default="A")
args = parser.parse_args()
"""


def condition(folder: Path, text: str, *args: str, parser: str = PARSER) -> bool | None:
    """Return what the condition ``text`` always is, in a function that is handed the options."""
    (folder / "train.py").write_text(f"{parser}def main(args):\n    if {text}:\n        pass\nmain(args)\n")
    module = parse_program(load_script(folder / "train.py", args)).entry
    test = next(node.test for node in module.parents if isinstance(node, ast.If))
    return settled(module, test)


@pytest.mark.parametrize(
    ("text", "args", "always"),
    [
        ("args.quick", (), False),
        ("not args.quick", (), True),
        ("args.quick", ("--quick",), True),
        ("args.quick", ("--qu",), True),
        ("args.cuda", (), True),
        ("args.cuda", ("--no-cuda",), False),
        ("args.model == 'mlp'", (), True),
        ("args.model == 'deep'", (), False),
        ("args.model in ('deep', 'wide')", (), False),
        ("args.model == 'deep'", ("--model", "deep"), True),
        ("args.model == 'deep'", ("--model=deep",), True),
        ("args.model == 'deep'", ("-m", "deep"), True),
        ("args.model == 'deep'", ("--mod", "deep"), None),
        ("args.model == 'deep'", ("-mdeep",), None),
        ("args.resume", (), False),
        ("args.resume is not None", (), False),
        ("args.resume", ("--resume", "last.pt"), True),
        ("args.amp", (), False),
        ("args.amp", ("--amp", "False"), None),
        ("args.width", (), None),
        ("args.limit is None", (), None),
        ("args.name == 'A'", (), None),
        ("other.quick", (), None),
        ("len(sys.argv) > 1", (), False),
        ("len(sys.argv) == 2", ("conf.json",), True),
        ("len(sys.argv) < 3", ("--quick", "--amp", "1"), False),
    ],
)
def test_what_an_option_settles(
    tmp_path: Path, text: str, args: tuple[str, ...], always: bool | None
) -> None:
    assert condition(tmp_path, text, *args) is always


@pytest.mark.parametrize(
    "more",
    [
        "args.quick = True\n",
        "parser.set_defaults(quick=True)\nargs = parser.parse_args()\n",
        "parser.add_argument('--fast', dest='quick', default='yes')\n",
        "args = parser.parse_args(['--quick'])\n",
        "import sys\nsys.argv = sys.argv[:1]\nargs.quick = len(sys.argv) > 1\n",
    ],
)
def test_an_option_that_is_set_elsewhere_settles_nothing(tmp_path: Path, more: str) -> None:
    assert condition(tmp_path, "args.quick", parser=PARSER + more) is None


def test_a_changed_command_line_settles_nothing(tmp_path: Path) -> None:
    for change in ("sys.argv = ['x', 'y']", "sys.argv.append('y')", "sys.argv[1] = 'y'"):
        assert condition(tmp_path, "len(sys.argv) > 1", parser=f"import sys\nargs = 0\n{change}\n") is None


def test_options_that_a_function_returns(tmp_path: Path) -> None:
    inside = "".join(f"    {line}\n" for line in PARSER.splitlines())
    parser = f"def options():\n{inside}    return args\nopt = options()\nargs = opt\n"
    assert condition(tmp_path, "opt.quick", parser=parser) is False
