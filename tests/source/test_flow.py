"""A name bound several times: what counts is what reaches the place that reads it."""

from pathlib import Path

import pytest
from tracing_cases import values

SURE, MAYBE = True, False


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # What is overwritten on every way is dead, and never offered.
        ("n = 1\nn = 2\nuse(n)", [(2, SURE)]),
        ("n = 1\nuse(n)\nn = 2", [(1, SURE)]),
        ("n = 1\nif x:\n    n = 2\nelse:\n    n = 3\nuse(n)", [(2, MAYBE), (3, MAYBE)]),
        ("n = 1\nwith a:\n    n = 2\nuse(n)", [(2, SURE)]),
        ("n = 1\nif x:\n    n = 2\n    use(n)", [(2, SURE)]),
        ("n = 1\nfor i in x:\n    n = 2\n    use(n)", [(2, SURE)]),
        ("n = 1\nif x:\n    n = 2\n    raise E\nuse(n)", [(1, SURE)]),
        ("n = 1\nif x:\n    n = 2\n    sys.exit()\nuse(n)", [(1, SURE)]),
        ("if x:\n    n = 1\nelse:\n    raise E\nuse(n)", [(1, SURE)]),
        ("n = 1\nif False:\n    n = 2\nuse(n)", [(1, SURE)]),
        ("n = 1\nif True:\n    n = 2\nuse(n)", [(2, SURE)]),
        ("v = 2\nif v == 1:\n    n = 1\nelif v == 2:\n    n = 2\nuse(n)", [(2, SURE)]),
        ("v = 'a'\nn = 1 if v == 'a' else 2\nuse(n)", [(1, SURE)]),
        ("big = False\nn = 1\nif big and x:\n    n = 2\nuse(n)", [(1, SURE)]),
        ("v = 2\nv = read()\nif v == 1:\n    n = 1\nelse:\n    n = 2\nuse(n)", [(1, MAYBE), (2, MAYBE)]),
        (
            "v = 2\nexec(t)\ndef f(n):\n    use(n)\nif v == 1:\n    f(1)\nelse:\n    f(2)",
            [(1, SURE), (2, SURE)],
        ),
        ("v = 2\ndef f(n):\n    use(n)\nif v == 1:\n    f(1)\nelse:\n    f(2)", [(2, SURE)]),
        ("n = 1\ndel n\nn = 2\nuse(n)", [(2, SURE)]),
        ("n = 1\ntry:\n    pass\nfinally:\n    n = 2\nuse(n)", [(2, SURE)]),
        # Both may reach.
        ("n = 1\nif x:\n    n = 2\nuse(n)", [(1, MAYBE), (2, MAYBE)]),
        ("if x:\n    n = 1\nuse(n)", [(1, MAYBE)]),
        ("if m == 'a':\n    n = 1\nelif m == 'b':\n    n = 2\nuse(n)", [(1, MAYBE), (2, MAYBE)]),
        ("try:\n    n = 1\nexcept E:\n    n = 2\nuse(n)", [(1, MAYBE), (2, MAYBE)]),
        ("try:\n    n = read()\nexcept E:\n    n = 2\nuse(n)", [(2, MAYBE)]),
        (
            "match m:\n    case 'a':\n        n = 1\n    case _:\n        n = 2\nuse(n)",
            [(1, MAYBE), (2, MAYBE)],
        ),
        ("n = 1\nwhile x:\n    n = 2\nuse(n)", [(1, MAYBE), (2, MAYBE)]),
        ("n = 1\nif (n := read()) and x: pass\nuse(n)", [(1, MAYBE)]),
        # A loop: the first turn reads what stood before it.
        ("n = 1\nfor i in x:\n    use(n)\n    n = read()", [(1, SURE)]),
        ("n = 1\nwhile use(n):\n    n *= 2", [(1, SURE)]),
        ("n = 8\nfor i in x:\n    use(n)\n    n *= 2", [(8, SURE)]),
        ("n = 8\nn *= 2\nuse(n)", [(8, SURE)]),
        ("n = 8\nn -= 1\nuse(n)", [(8, SURE)]),
        # Functions read what holds when they are called.
        ("n = 1\ndef f():\n    use(n)\nn = 2\nf()", [(2, SURE)]),
        ("n = 1\ndef f():\n    use(n)\nf()\nn = 2", [(1, SURE)]),
        ("n = 1\ndef f():\n    use(n)\nf()\nn = 2\nf()", [(1, MAYBE), (2, MAYBE)]),
        ("n = 1\ndef f():\n    use(n)\ndef g():\n    f()\nn = 2\ng()", [(2, SURE)]),
        ("n = 1\ndef f():\n    use(n)\nrun(f)\nn = 2", [(1, MAYBE), (2, MAYBE)]),
        ("n = 1\nn = 2\ndef f():\n    use(n)\nrun(f)", [(2, SURE)]),
        ("n = 1\nclass C:\n    def __init__(self):\n        use(n)\nn = 2\nC()\nn = 3", [(2, SURE)]),
        (
            "n = 1\nclass C:\n    def go(self):\n        use(n)\nc = C()\nn = 3\nc.go()",
            [(1, MAYBE), (3, MAYBE)],
        ),
        ("n = 1\nf = lambda: use(n)\nn = 2", [(1, MAYBE), (2, MAYBE)]),
        ("n = 1\nn = 2\nx = [use(n) for _ in y]\nn = 3", [(2, SURE)]),
        # What a function sets by `global` may have happened, if the function can run.
        ("n = 1\ndef f():\n    global n\n    n = 2\nf()\nuse(n)", [(1, MAYBE), (2, MAYBE)]),
        (
            "n = 1\ndef g():\n    n = 2\n    def f():\n        global n\n        use(n)\n    f()\ng()",
            [(1, SURE)],
        ),
        (
            "def g():\n    n = 2\n    def f():\n        nonlocal n\n        n = 3\n"
            "        use(n)\n    f()\ng()",
            [(2, MAYBE), (3, MAYBE)],
        ),
        # A name of the function's own hides the global one.
        ("n = 1\ndef f():\n    n = 2\n    use(n)\nf()", [(2, SURE)]),
        ("n = 1\ndef f(n=5):\n    n = 2\n    use(n)\nf()", [(2, SURE)]),
        ("def f(n=5):\n    if n is None:\n        n = 2\n    use(n)\nf()", [(5, MAYBE), (2, MAYBE)]),
        # A value made from itself.
        ("n = 8\nn = n * 2\nuse(n)", [(8, SURE)]),
        ("n = 8\nn = int(n)\nuse(n)", [(8, SURE)]),
    ],
)
def test_what_reaches_the_place_counts(tmp_path: Path, text: str, found: list[tuple[object, bool]]) -> None:
    assert values(tmp_path, text) == found


@pytest.mark.parametrize(
    "text",
    ["a = b\nb = a\nuse(a)", "n = n\nuse(n)", "for i in x:\n    a = b\n    b = a\nuse(a)",
     "def f(n):\n    return g(n)\ndef g(n):\n    return f(n)\nuse(f(3))"],
)  # fmt: skip
def test_going_round_in_circles_ends(tmp_path: Path, text: str) -> None:
    assert values(tmp_path, text) == []


def test_a_tangle_of_names_is_given_up_in_time(tmp_path: Path) -> None:
    names = "abcdefgh"
    swaps = "".join(f"    if x: {one} = {other}\n" for one in names for other in names if one != other)
    text = "".join(f"{name} = {number}\n" for number, name in enumerate(names))
    assert len(values(tmp_path, f"{text}for i in y:\n{swaps}use(a)")) <= len(names)


def test_a_constant_of_another_file_is_what_its_last_line_leaves(tmp_path: Path) -> None:
    text = "import config\nuse(config.N)"
    assert values(tmp_path, text, config__py="N = 1\nN = 2\n") == [(2, SURE)]
    assert values(tmp_path, text, config__py="N = 1\nif x:\n    N = 2\n") == [(1, MAYBE), (2, MAYBE)]
    assert values(tmp_path, "import config\nconfig.N = 3\n" + text, config__py="N = 1\n") == [(1, MAYBE)]
