"""The ways in which a value travels from where it is written to where it is used."""

from pathlib import Path

import pytest
from tracing_cases import origins, values

SURE, MAYBE = True, False
DATA = "from dataclasses import dataclass, field, replace\n"
PARSER = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--n', type=int, default=8)\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # Functions give back.
        ("def f():\n    return 8\nuse(f())", [(8, SURE)]),
        ("def f(x):\n    if x:\n        return 8\n    return 9\nuse(f(1))", [(8, MAYBE), (9, MAYBE)]),
        ("def f():\n    return {'n': 8}\nuse(f()['n'])", [(8, SURE)]),
        ("def f():\n    return 8, 9\na, b = f()\nuse(b)", [(9, SURE)]),
        ("def f():\n    n = 8\n    return n\nuse(f())", [(8, SURE)]),
        ("def f(n):\n    return n\nuse(f(8))", [(8, SURE)]),
        ("def f():\n    c = dict(n=8)\n    c['n'] = 9\n    return c\nuse(f()['n'])", [(9, SURE)]),
        ("row = [8, 9]\na, b = row\nuse(a)", [(8, SURE)]),
        # An experiment tracker keeps them.
        ("import wandb\nwandb.init(config={'n': 8})\nuse(wandb.config.n)", [(8, SURE)]),
        ("import wandb\nc = dict(n=8)\nwandb.init(config=c)\nd = wandb.config\nuse(d['n'])", [(8, SURE)]),
        ("import wandb\ndef f(c):\n    use(c.n)\nwith wandb.init(config={'n': 8}) as r:\n    f(r.config)",
         [(8, SURE)]),
        ("import wandb\nrun = wandb.init(config={'n': 8})\nuse(run.config.n)", [(8, SURE)]),
        # Objects of classes.
        ("class C:\n    def __init__(self, n):\n        self.n = n\n    def go(self):\n        use(self.n)\n"
         "C(8).go()", [(8, SURE)]),
        ("class B:\n    def __init__(self, n=8):\n        self.n = n\nclass C(B):\n    def __init__(self):\n"
         "        super().__init__(n=9)\n        use(self.n)\nC()", [(9, SURE)]),
        ("class B:\n    def __init__(self, n=8):\n        use(n)\nclass C(B):\n    pass\nC(9)", [(9, SURE)]),
        ("class B:\n    n = 8\nclass C(B):\n    pass\nuse(C.n)", [(8, SURE)]),
        ("class C:\n    n = 8\nclass D:\n    n = 9\nuse(C().n)", [(8, SURE)]),
        ("class C:\n    def __init__(self):\n        self.n = 8\nclass D:\n    def __init__(self):\n"
         "        self.n = 9\nc = C()\nuse(c.n)", [(8, SURE)]),
        ("class C:\n    def __init__(self):\n        self.n = 8\n    def f(self):\n        return self.n\n"
         "c = C()\nuse(c.f())", [(8, SURE)]),
        ("class C:\n    n = 8\nc = C()\nc.n = 9\nuse(c.n)", [(9, SURE)]),
        ("class C:\n    n = 8\nc = C()\nsetattr(c, 'n', 9)\nuse(c.n)", [(9, SURE)]),
        ("class C:\n    n = 8\nuse(getattr(C, 'n'))", [(8, SURE)]),
        ("class C:\n    n = 8\nuse(getattr(C, 'm', 9))", [(9, MAYBE)]),
        # Records.
        (DATA + "@dataclass\nclass C:\n    n: int = 8\nuse(C(9).n)", [(9, SURE)]),
        (DATA + "@dataclass\nclass C:\n    n: int = field(default=8)\nuse(C().n)", [(8, SURE)]),
        (DATA + "@dataclass\nclass B:\n    m: int = 7\n@dataclass\nclass C(B):\n    n: int = 8\n"
         "use(C(1, 2).n)",
         [(2, SURE)]),
        (DATA + "@dataclass\nclass C:\n    n: int = 8\nc = replace(C(), n=9)\nuse(c.n)", [(9, SURE)]),
        (DATA + "@dataclass\nclass C:\n    n: int = 8\n    m: int = 1\nc = replace(C(), m=9)\n"
         "use(c.n)", [(8, SURE)]),
        (DATA + "@dataclass\nclass C:\n    n: int = 8\ndef f(c: C):\n    use(c.n)\nf(C())", [(8, SURE)]),
        (DATA + "@dataclass\nclass C:\n    n: int = 8\nd = {'n': 9}\nuse(C(**d).n)", [(9, SURE)]),
        ("from typing import NamedTuple\nclass C(NamedTuple):\n    m: int\n    n: int = 8\nuse(C(1, 9).n)",
         [(9, SURE)]),
        ("from types import SimpleNamespace\nc = SimpleNamespace(n=8)\nuse(c.n)", [(8, SURE)]),
        ("from argparse import Namespace\nc = Namespace(**{'n': 8})\nuse(c.n)", [(8, SURE)]),
        ("from easydict import EasyDict as edict\nc = edict({'a': {'n': 8}})\nuse(c.a.n)", [(8, SURE)]),
        ("import wandb\nc = {'n': 8}\ndef f(c):\n    use(c['n'])\nf(c)", [(8, SURE)]),
        # Tables.
        ("d = {'n': 8}\ne = {**d, 'm': 1}\nuse(e['n'])", [(8, SURE)]),
        ("d = {'n': 8}\ne = {**d, 'n': 9}\nuse(e['n'])", [(9, SURE)]),
        ("d = {'n': 8}\ne = dict(d, n=9)\nuse(e['n'])", [(9, SURE)]),
        ("d = {'n': 8}\ne = d | {'n': 9}\nuse(e['n'])", [(9, SURE)]),
        ("d = {'n': 8}\ne = d.copy()\nuse(e['n'])", [(8, SURE)]),
        ("d = {'n': 8}\nd['n'] = 9\nuse(d['n'])", [(9, SURE)]),
        ("d = {}\nd['n'] = 9\nuse(d['n'])", [(9, SURE)]),
        ("d = {'n': 8}\nif x:\n    d['n'] = 9\nuse(d['n'])", [(8, MAYBE), (9, MAYBE)]),
        ("d = {'n': 8}\nd.update(n=9)\nuse(d['n'])", [(9, SURE)]),
        ("d = {'n': 8}\nd.update({'m': 9})\nuse(d['n'])", [(8, SURE)]),
        ("d = {'n': 8}\nd.update(e)\nuse(d['n'])", [(8, MAYBE)]),
        ("d = {'n': 8}\nd[k] = 9\nuse(d['n'])", [(8, MAYBE)]),
        ("d = {'m': 8}\nuse(d.get('n', 9))", [(9, SURE)]),
        ("use(d.get('n', 9))", [(9, MAYBE)]),
        ("d = {'a': {'n': 8}}\nuse(d['a']['n'])", [(8, SURE)]),
        ("def f(**kw):\n    use(kw['n'])\nf(n=8)", [(8, SURE)]),
        ("def g(n=1):\n    use(n)\ndef f(**kw):\n    g(**kw)\nf(n=8)", [(8, SURE)]),
        ("def f(**kw):\n    use(kw.get('n', 9))\nf(m=8)", [(9, SURE)]),
        # Conditions, conversions, arithmetic.
        ("use(8 if x else 9)", [(8, MAYBE), (9, MAYBE)]),
        ("use(x or 9)", [(9, MAYBE)]),
        ("import os\nuse(int(os.environ.get('N', '9')))", [(9, MAYBE)]),
        ("import os\nuse(float(os.getenv('N', 0.5)))", [(0.5, MAYBE)]),
        ("import sys\nuse(int(sys.argv[1]) if len(sys.argv) > 1 else 10)", [(10, SURE)]),
        ("use(10 ** -3)", [(0.001, SURE)]),
        ("use(128 // 2)", [(64, SURE)]),
        ("use(1 / 4)", [(0.25, SURE)]),
        ("batch = 32\nuse(1e-3 * batch / 256)", [(1e-3, SURE)]),
        ("import hvd\nuse(0.01 * hvd.size())", [(0.01, SURE)]),
        ("use(64 * strategy.num_replicas_in_sync)", [(64, SURE)]),
        ("width = 64\nuse(int(width * 0.5))", [(64, SURE)]),
        ("lr = 0.1\nuse(lr * 0.5)", [(0.1, SURE)]),
        ("n = 8\nuse(n + 1)", [(8, SURE)]),
        # Command lines.
        (PARSER + "def f():\n    return p.parse_args()\na = f()\nuse(a.n)", [(8, SURE)]),
        (PARSER + "p.set_defaults(n=9)\na = p.parse_args()\nuse(a.n)", [(9, SURE)]),
        (PARSER + "a = p.parse_args()\na.n = 9\nuse(a.n)", [(9, SURE)]),
        (PARSER + "a = p.parse_args()\nif x:\n    a.n = 9\nuse(a.n)", [(8, MAYBE), (9, MAYBE)]),
        (PARSER + "a = p.parse_args()\ndef f(o):\n    o.n = 9\nf(a)\nuse(a.n)", [(8, MAYBE)]),
        (PARSER.replace("=8", "='8'") + "use(p.parse_args([]).n)", [(8, SURE)]),
        ("import argparse\np = argparse.ArgumentParser()\np.add_argument('n', nargs='?', default=8)\n"
         "use(p.parse_args().n)", [(8, SURE)]),
        ("import argparse\ndef add(p):\n    p.add_argument_group('x').add_argument('--n', default=8)\n"
         "p = argparse.ArgumentParser()\nadd(p)\nuse(p.parse_args().n)", [(8, SURE)]),
        ("import typer\ndef main(n: int = typer.Option(8)):\n    use(n)\ntyper.run(main)", [(8, MAYBE)]),
        ("import fire\ndef main(n=8):\n    use(n)\nfire.Fire(main)", [(8, MAYBE)]),
        ("from absl import flags\nFLAGS = flags.FLAGS\nflags.DEFINE_integer('n', 8, 'help')\nuse(FLAGS.n)",
         [(8, SURE)]),
        ("import threading\ndef f(o, n):\n    use(n)\nthreading.Thread(target=f, args=(1, 9))",
         [(9, SURE)]),
        ("def f(rank, n):\n    use(n)\nmp.spawn(f, args=(9,), nprocs=2)", [(9, SURE)]),
        ("def f(n=8):\n    use(n)\npool.submit(f, n=9)", [(9, SURE)]),
        ("def f(n=8):\n    use(n)\nThread(target=f, kwargs={'n': 9})", [(9, SURE)]),
        ("def f(n):\n    use(n)\nThread(target=f, args=rest)", []),
        ("from functools import partial\ndef f(n=8):\n    use(n)\ng = partial(f, n=9)\ng()",
         [(8, MAYBE), (9, SURE)]),
    ],
)  # fmt: skip
def test_a_value_is_followed(tmp_path: Path, text: str, found: list[tuple[object, bool]]) -> None:
    assert sorted(values(tmp_path, text), key=str) == sorted(found, key=str)


@pytest.mark.parametrize(
    "text",
    [
        # Bound by something else on every way.
        "d = {'n': 8}\nd['n'] = read()\nuse(d['n'])",
        PARSER + "a = p.parse_args()\na.n = read()\nuse(a.n)",
        "class C:\n    def __init__(self):\n        self.n = 8\n"
        "        self.n = read()\n        use(self.n)\nC()",
        "d = {'n': 8}\nd = {**d, 'n': read()}\nuse(d['n'])",
        # Options that must be given, or are.
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('n', type=int)\n"
        "use(p.parse_args().n)",
        # A method of another kind of object.
        "x.n = 8\nuse(y.n)",
        "use(x.get(8))",
        "use(getattr(c, name))",
        # Seven by seven pixels are no choice.
        "use(7 * 7 * 64)",
        "use('a' * 3)",
        "use(9 ** 999999)",
        "use(1 / 0)",
    ],
)
def test_what_is_not_written_is_not_followed(tmp_path: Path, text: str) -> None:
    assert values(tmp_path, text) == []


@pytest.mark.parametrize("args", [("--n", "3"), ("--n=3",)])
def test_defaults_of_a_function_that_the_command_line_calls_are_dead_when_given(
    tmp_path: Path, args: tuple[str, ...]
) -> None:
    text = "import fire\ndef main(n=8):\n    use(n)\nfire.Fire(main)"
    assert values(tmp_path, text, *args) == [(3, MAYBE)]
    assert values(tmp_path, text.replace("fire", "other"), *args) == [], "nobody knows how it reads them"


def test_a_class_of_another_file(tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text("class Config:\n    n = 8\nclass Sub(Config):\n    pass\n")
    assert values(tmp_path, "from config import Config\nuse(Config.n)") == [(8, SURE)]
    assert values(tmp_path, "from config import Sub as C\nc = C()\nuse(c.n)\nuse(C.n)") == [(8, SURE)] * 2
    assert values(tmp_path, "import config\nuse(config.Config.n)") == [(8, SURE)]


def test_a_parser_of_another_file(tmp_path: Path) -> None:
    options = "import argparse\ndef parser():\n    p = argparse.ArgumentParser()\n"
    options += "    p.add_argument('--n', default=8)\n    return p\n"
    text = "from options import parser\nargs = parser().parse_args()\nuse(args.n)"
    assert values(tmp_path, text, options__py=options) == [(8, SURE)]


def test_sub_commands_may_each_have_the_option(tmp_path: Path) -> None:
    text = (
        "import argparse\np = argparse.ArgumentParser()\ns = p.add_subparsers()\n"
        "a = s.add_parser('a')\na.add_argument('--n', default=8)\n"
        "b = s.add_parser('b')\nb.add_argument('--n', default=9)\nuse(p.parse_args().n)"
    )
    assert values(tmp_path, text) == [(8, MAYBE), (9, MAYBE)]


@pytest.mark.parametrize(
    ("text", "style", "name"),
    [
        ("from types import SimpleNamespace\nc = SimpleNamespace(n=8)\nuse(c.n)", "dict", "c.n"),
        ("d = {'n': 8}\nd['n'] = 9\nuse(d['n'])", "constant", "d.n"),
        ("use(d.get('n', 9))", "default", "d.n"),
        ("class C:\n    def __init__(self):\n        self.n = 8\nuse(C().n)", "constant", "C.n"),
        ("import os\nuse(int(os.getenv('UNITS', '9')))", "default", "UNITS"),
    ],
)
def test_the_last_step_names_the_value(tmp_path: Path, text: str, style: str, name: str) -> None:
    assert [(origin.style, origin.name) for origin in origins(tmp_path, text)] == [(style, name)]
