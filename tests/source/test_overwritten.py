"""Which values are bound to a name and never seen, since the name is bound again first."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushtune.source import load_script, parse_program
from pushtune.source.overwritten import overwritten_holder


@pytest.mark.parametrize(
    ("text", "unseen"),
    [
        ("model = make()\nmodel = other()\nmodel.fit()", True),
        ("model = pipe([('a', make())])\nmodel = other()\nmodel.fit()", True),
        ("model = make()\nmodel.fit()\nmodel = other()\nmodel.fit()", False),
        ("model = make()\nif big:\n    model = other()\nmodel.fit()", False),
        ("model = make()\ndef go():\n    return model\ngo()\nmodel = other()\ngo()", False),
        ("for _ in range(2):\n    print(model)\n    model = make()\nmodel = other()", False),
        ("model = make()", False),
        ("model = make()\nmodel = other(model)\nmodel.fit()", False),
        ("make()\nmodel = other()\nmodel.fit()", False),
    ],
)
def test_a_value_that_is_overwritten_unseen(tmp_path: Path, text: str, unseen: bool) -> None:
    (tmp_path / "train.py").write_text(text)
    module = parse_program(load_script(tmp_path / "train.py")).entry
    assert overwritten_holder(module, module.called["make"][0]) is unseen
