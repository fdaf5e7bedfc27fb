"""What the command line gives is not in the source: it stays, and that is said."""

from pathlib import Path

from rewriting import knobs, rewriter

TEXT = """import argparse, keras
p = argparse.ArgumentParser()
p.add_argument('-u', '--units', type=int, default=64)
p.add_argument('--epochs', type=int, default=3)
args = p.parse_args()
model = keras.Sequential([keras.layers.Dense(args.units), keras.layers.Dense(10)])
model.compile('adam', 'mse')
model.fit(x, y, epochs=args.epochs)
"""


def test_an_option_that_is_given_stays_and_is_named(tmp_path: Path) -> None:
    found = rewriter(tmp_path, TEXT, "-u", "32")
    assert "args.units" not in knobs(found)
    assert "args.epochs" in knobs(found)
    said = [caution.text for caution in found.discovery.warnings if caution.code == "given-options"]
    assert said == ["given on the command line, so not tuned: --units; leave out what should be"]


def test_without_arguments_nothing_is_said(tmp_path: Path) -> None:
    codes = [caution.code for caution in rewriter(tmp_path, TEXT).discovery.warnings]
    assert "given-options" not in codes
