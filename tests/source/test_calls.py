"""What of a program can run: definitions that code calls or hands on, wherever a package keeps them."""

import ast
from pathlib import Path

import pytest

from pushtune.source import load_script, parse_program
from pushtune.source.calls import CallIndex


def reached(folder: Path, **files: str) -> set[str]:
    """Return the functions and classes whose bodies can run."""
    (folder / "nets").mkdir()
    for name, text in files.items():
        place = folder / ("train.py" if name == "train" else f"nets/{name}.py")
        place.write_text(text)
    program = parse_program(load_script(folder / "train.py"))
    index = CallIndex(program)
    return {
        node.name
        for module in program.modules
        for node in module.scopes
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and index.reached(module, node.body[0])
    }


SMALL = (
    "class Block:\n    pass\n"
    "class Small(Base):\n    def __init__(self):\n        super(Small, self).__init__()\n"
    "def small_of_blocks():\n    return Small(Block)\n"
)
LARGE = "class Large:\n    pass\ndef try_it():\n    print(Large())\n"


def test_a_class_that_only_names_itself_is_not_used(tmp_path: Path) -> None:
    """``super(Small, self)`` is no mention, and neither is one in a function that nothing calls."""
    found = reached(tmp_path, train="from nets.small import *\nprint(1)\n", small=SMALL, __init__="")
    assert found == set()


def test_a_class_that_reached_code_hands_on_may_be_made(tmp_path: Path) -> None:
    found = reached(tmp_path, train="from nets.small import *\nrun(Small)\n", small=SMALL, __init__="")
    assert found == {"Small", "__init__"}


def test_what_a_package_hands_on_is_found_in_its_files(tmp_path: Path) -> None:
    found = reached(
        tmp_path,
        train="from nets import *\nmodel = small_of_blocks()\n",
        __init__="from .small import *\nfrom .large import Large\n",
        small=SMALL,
        large=LARGE,
    )
    assert found == {"small_of_blocks", "Small", "__init__", "Block"}


def test_what_a_package_hands_on_by_name_is_found_too(tmp_path: Path) -> None:
    found = reached(
        tmp_path,
        train="from nets import Large\nLarge()\n",
        __init__="from .large import Large\n",
        large=LARGE,
    )
    assert found == {"Large"}


def test_packages_that_hand_on_each_other_s_names_come_to_an_end(tmp_path: Path) -> None:
    found = reached(
        tmp_path,
        train="from nets import *\nNobody()\n",
        __init__="from .small import *\n",
        small="from nets import *\ndef idle():\n    pass\n",
    )
    assert found == set()


def runs_once(folder: Path, text: str) -> bool:
    """Whether the statement ``fit()`` of the script runs at most once."""
    (folder / "train.py").write_text(text)
    program = parse_program(load_script(folder / "train.py"))
    (call,) = program.entry.called["fit"]
    return CallIndex(program).runs_once(program.entry, call)


GO = "def go():\n    fit()\n"


@pytest.mark.parametrize(
    ("calls", "once"),
    [
        ("go()\n", True),
        ("try:\n    go()\nexcept MemoryError:\n    go()\n", True),
        ("try:\n    go()\nexcept MemoryError:\n    go()\nexcept OSError:\n    go()\n", True),
        ("if x:\n    go()\nelse:\n    go()\n", True),
        ("if x:\n    go()\nelif y:\n    go()\nelse:\n    go()\n", True),
        ("go() if x else go()\n", True),
        ("match x:\n    case 1:\n        go()\n    case _:\n        go()\n", True),
        (
            "def a():\n    go()\ndef b():\n    go()\nif x:\n    a()\nelse:\n    b()\n",
            False,
        ),  # not seen through
        ("go()\ngo()\n", False),
        ("if x:\n    go()\n    go()\n", False),
        ("if x:\n    go()\ngo()\n", False),
        ("try:\n    go()\nfinally:\n    go()\n", False),
        ("try:\n    go()\nexcept OSError:\n    pass\nelse:\n    go()\n", False),
        ("for n in x:\n    if n:\n        go()\n    else:\n        go()\n", False),
        ("if go():\n    go()\n", False),
    ],
)
def test_calls_of_which_a_run_makes_one_are_one_call(tmp_path: Path, calls: str, once: bool) -> None:
    assert runs_once(tmp_path, GO + calls) is once


def test_what_only_dead_code_calls_is_dead(tmp_path: Path) -> None:
    text = (
        "def a():\n    b()\ndef b():\n    a()\n"  # only each other
        "def c():\n    d()\ndef d():\n    pass\nif False:\n    c()\n"
        "def e():\n    f()\ndef f():\n    e()\ne()\n"
        "class G:\n    def h(self):\n        pass\nG()\n"
        "@register\ndef i():\n    j()\ndef j():\n    pass\n"
    )
    assert reached(tmp_path, train=text) == {"e", "f", "G", "h", "i", "j"}
