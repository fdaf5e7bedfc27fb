"""What of a program can run: definitions that code calls or hands on, wherever a package keeps them."""

import ast
from pathlib import Path

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
