"""What the command line gives is changed there, and what cannot be stays and is named."""

from pathlib import Path

import pytest
from rewriting import knob, knobs, rewriter

from pushtune.errors import UsageError
from pushtune.model.analysis import COMMAND_LINE
from pushtune.model.space import Assignment

TEXT = """import argparse, keras
p = argparse.ArgumentParser()
p.add_argument('-u', '--units', type=int, default=64)
p.add_argument('--epochs', type=int, default=3)
args = p.parse_args()
model = keras.Sequential([keras.layers.Dense(args.units), keras.layers.Dense(10)])
model.compile('adam', 'mse')
model.fit(x, y, epochs=args.epochs)
"""


def test_an_option_that_is_given_is_a_knob_on_the_command_line(tmp_path: Path) -> None:
    found = rewriter(tmp_path, TEXT, "-u", "32")
    units = knob(found, "args.units")
    assert (units.value, units.style, units.file, units.spans[0].as_list()) == (
        32, "argparse", COMMAND_LINE, [1, 3, 1, 5],
    )  # fmt: skip
    assert knob(found, "args.epochs").file == "train.py"
    assert not [caution for caution in found.discovery.warnings if caution.code == "given-options"]

    candidate = found.apply(Assignment.of({"args.units": 64, "args.epochs": 4}))
    assert candidate.args == ("-u", "64")
    assert "default=4" in candidate.diff
    changed = [line for line in candidate.diff.splitlines() if line.startswith(("+p", "-p"))]
    assert len(changed) == 2, "only the epochs' default"


def test_only_arguments_change_where_only_they_are_assigned(tmp_path: Path) -> None:
    found = rewriter(tmp_path, TEXT, "--epochs=9", "-u32")
    candidate = found.apply(Assignment.of({"args.units": 16, "args.epochs": 12}))
    assert (candidate.args, candidate.diff) == (("--epochs=12", "-u16"), "")
    assert candidate.files == found.script.files
    assert found.apply(Assignment()).args == ("--epochs=9", "-u32")


def test_epochs_that_are_given_are_the_budget(tmp_path: Path) -> None:
    epochs = rewriter(tmp_path, TEXT, "--epochs", "6").discovery.space.epochs
    assert epochs is not None
    assert (epochs.parameter, epochs.author, epochs.maximum, epochs.rungs) == ("args.epochs", 6, 30, True)


def test_epochs_of_a_loop_that_are_given(tmp_path: Path) -> None:
    text = TEXT.replace("model.fit(x, y, epochs=args.epochs)", "")
    text = text.replace("import argparse, keras", "import argparse, torch")
    text = text[: text.index("model =")] + (
        "net = torch.nn.Linear(4, 2)\noptimizer = torch.optim.SGD(net.parameters(), lr=0.1)\n"
        "for epoch in range(1, args.epochs + 1):\n    loss = net(x).sum()\n    loss.backward()\n"
        "    optimizer.step()\n"
    )
    found = rewriter(tmp_path, text, "--epochs", "6")
    assert found.discovery.space.epochs is not None
    assert found.apply(Assignment.of({"args.epochs": 9})).args == ("--epochs", "9")


def test_an_option_that_is_no_knob_stays_and_is_named(tmp_path: Path) -> None:
    text = TEXT.replace("args =", "p.add_argument('--seed', type=int)\nargs =")
    found = rewriter(tmp_path, text, "-u", "32", "--seed", "3")
    said = [caution.text for caution in found.discovery.warnings if caution.code == "given-options"]
    assert said == ["given on the command line, and left as given: --seed"]


def test_an_option_that_the_script_does_not_have_is_left_alone(tmp_path: Path) -> None:
    found = rewriter(tmp_path, TEXT, "--width", "32", "-u", "8")
    assert found.apply(Assignment.of({"args.units": 9})).args == ("--width", "32", "-u", "9")
    with pytest.raises(UsageError, match="no knob or move"):
        found.apply(Assignment.of({"args.width": 9}))


CHOICES = TEXT.replace(
    "args =",
    "p.add_argument('--act', default='relu', choices=['relu', 'tanh', 'mine'])\nargs =",
).replace("args.units)", "args.units, activation=args.act)")


def test_a_choice_stays_among_those_that_the_option_takes(tmp_path: Path) -> None:
    assert knob(rewriter(tmp_path, CHOICES, "--act", "tanh"), "args.act").domain.choices == ("relu", "tanh")
    assert len(knob(rewriter(tmp_path, CHOICES), "args.act").domain.choices) > 2, "a default may be any"
    found = rewriter(tmp_path, CHOICES, "--act=relu")
    assert found.apply(Assignment.of({"args.act": "tanh"})).args == ("--act=tanh",)


def test_nothing_is_given_that_is_no_text_of_its_type(tmp_path: Path) -> None:
    text = "import argparse\nfrom sklearn.ensemble import RandomForestClassifier\n"
    text += "p = argparse.ArgumentParser()\n"
    text += "p.add_argument('--depth', type=int)\np.add_argument('--features', default='sqrt')\n"
    text += "a = p.parse_args()\n"
    text += "m = RandomForestClassifier(max_depth=a.depth, max_features=a.features)\nm.fit(x, y)\n"
    found = rewriter(tmp_path, text, "--depth", "3", "--features=sqrt")
    for name, kind in (("a.depth", int), ("a.features", str)):
        assert {type(choice) for choice in knob(found, name).domain.choices} <= {kind}
    assert (
        None
        in knob(
            rewriter(tmp_path, text.replace("a.depth", "3")), "random_forest_classifier.max_depth"
        ).domain.choices
    )


def test_one_number_of_the_command_line_and_of_the_source_is_not_mixed_up(tmp_path: Path) -> None:
    text = TEXT.replace("Dense(10)", "Dense(32), keras.layers.Dense(10)")
    found = rewriter(tmp_path, text, "-u", "32")
    assert {"args.units": 32, "dense_2.units": 32}.items() <= knobs(found).items()
    candidate = found.apply(Assignment.of({"dense_2.units": 48}))
    assert candidate.args == ("-u", "32")
    assert "Dense(48)" in candidate.diff


TORCH = """import argparse, torch
from torch import nn
p = argparse.ArgumentParser()
p.add_argument('--hidden', type=int, default=64)
p.add_argument('lr', type=float)
args = p.parse_args()
class Net(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.a = nn.Linear(784, hidden)
        self.b = nn.Linear(hidden, 10)
    def forward(self, x):
        return self.b(self.a(x.view(-1, 784)).relu())
net = Net(args.hidden)
optimizer = torch.optim.Adam(net.parameters(), lr=args.lr)
for epoch in range(3):
    loss = nn.functional.cross_entropy(net(x), y)
    loss.backward()
    optimizer.step()
"""


def test_a_width_of_a_network_and_a_positional_rate(tmp_path: Path) -> None:
    found = rewriter(tmp_path, TORCH, "--hidden", "32", "1e-3")
    assert {"args.hidden": 32, "args.lr": 0.001}.items() <= knobs(found).items()
    candidate = found.apply(Assignment.of({"args.hidden": 96, "args.lr": 0.01}))
    assert (candidate.args, candidate.diff) == (("--hidden", "96", "0.01"), "")


def test_without_arguments_nothing_is_said(tmp_path: Path) -> None:
    codes = [caution.code for caution in rewriter(tmp_path, TEXT).discovery.warnings]
    assert "given-options" not in codes
