"""Whatever is given and whatever is assigned: only the values change, and everything comes back."""

from __future__ import annotations

import shlex
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pushtune.model.analysis import COMMAND_LINE, Script, ScriptFile
from pushtune.model.space import Assignment
from pushtune.rewrite import Rewriter
from pushtune.source import undo_edits

TEXT = b"""import argparse, keras
p = argparse.ArgumentParser()
p.add_argument('-u', '--units', type=int, default=64)
p.add_argument('-l', '--rate', type=float, default=0.1)
p.add_argument('-a', '--activation', default='relu')
p.add_argument('--note')
p.add_argument('--shout', action='store_true')
args = p.parse_args()
model = keras.Sequential([
    keras.layers.Dense(args.units, activation=args.activation), keras.layers.Dropout(args.rate),
    keras.layers.Dense(10),
])
model.compile('adam', 'mse')
model.fit(x, y, epochs=3)
"""
SCRIPT = Script("/nowhere", "train.py", (ScriptFile("train.py", TEXT),))
PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8).filter(
    lambda text: not text.startswith("-")
)


def written(long: str, short: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    """An option with a value, in each of the ways in which argparse takes it."""
    forms = [
        lambda value: [long, value], lambda value: [f"{long}={value}"], lambda value: [short, value],
        lambda value: [short + value], lambda value: [long[:-1], value],
    ]  # fmt: skip
    return st.builds(lambda form, value: form(value), st.sampled_from(forms), values)


UNITS = written("--units", "-u", st.integers(8, 512).map(str))
RATE = written("--rate", "-l", st.sampled_from(["0.5", ".25", "3e-1", "0.10"]))
ACTIVATION = written("--activation", "-a", st.sampled_from(["relu", "tanh", "elu"]))
NOTE = PLAIN.map(lambda text: [f"--note={text}"]) | PLAIN.map(lambda text: ["--note", text])
LINES = st.tuples(UNITS, RATE, ACTIVATION, NOTE, st.sampled_from([[], ["--shout"]])).flatmap(
    lambda parts: st.permutations(parts).map(lambda mixed: tuple(text for part in mixed for text in part))
)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "args.units": st.integers(2, 4096),
        "args.rate": st.floats(0.001, 0.9),
        "args.activation": st.sampled_from(["relu", "tanh", "elu", "selu"]),
    },
)


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(args=LINES, values=VALUES)
def test_only_values_change_and_everything_comes_back(
    args: tuple[str, ...], values: dict[str, object]
) -> None:
    found = Rewriter(replace(SCRIPT, args=args))
    before = {knob.name: knob for knob in found.discovery.knobs}
    assert {"args.units", "args.rate", "args.activation"} <= set(before)
    candidate = found.apply(Assignment.of(values))  # type: ignore[arg-type]

    assert candidate.diff == ""
    assert len(candidate.args) == len(args)
    assert sum(old != new for old, new in zip(args, candidate.args, strict=True)) <= len(values)
    source = found.program.module(COMMAND_LINE).source
    assert undo_edits(source, candidate.edits, shlex.join(candidate.args)) == shlex.join(args)

    again = Rewriter(replace(SCRIPT, args=candidate.args))
    after = {knob.name: knob.value for knob in again.discovery.knobs}
    assert after == {**{name: knob.value for name, knob in before.items()}, **values}
