"""Sizes of PyTorch models: one knob for all that must change together, and every candidate's model runs."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_properties import ANY, applied, assignments
from torch_samples import INPUTS

from pushtune.errors import InfeasibleError
from pushtune.model.analysis import LayerShape, Observed, Script, ScriptFile
from pushtune.model.space import Assignment
from pushtune.rewrite import Rewriter
from pushtune.source import SourceText, undo_edits


def script(text: str) -> Script:
    return Script("/nowhere", "train.py", (ScriptFile("train.py", text.encode()),))


@cache
def read(name: str) -> Rewriter:
    return Rewriter(script(INPUTS[name][0]))


@cache
def observed(name: str) -> Rewriter:
    """Read a sample together with the shapes that its layers have in a run."""
    return Rewriter(script(INPUTS[name][0]), observed=Observed(tuple(shapes(name))))


def shapes(name: str) -> list[LayerShape]:
    """Return what the layers of a sample are given and give."""
    torch = pytest.importorskip("torch")
    text, made = INPUTS[name]
    model = run(text)["model"]
    found: list[LayerShape] = []

    def note(path: str) -> Any:
        def hook(module: Any, given: Any, gave: Any) -> None:
            if torch.is_tensor(given[0]) and torch.is_tensor(gave):
                found.append(
                    LayerShape(path, type(module).__name__, tuple(given[0].shape), tuple(gave.shape))
                )

        return hook

    for path, module in model.named_modules():
        module.register_forward_hook(note(path))
    model(eval(made, {"torch": torch}))  # an input that this test wrote itself
    return found


def run(text: str) -> dict[str, Any]:
    pytest.importorskip("torch")
    names: dict[str, Any] = {"__name__": "sample"}
    exec(compile(text, "train.py", "exec", dont_inherit=True), names)
    return names


def output_shape(text: str, made: str) -> tuple[int, ...]:
    torch = pytest.importorskip("torch")
    result = run(text)["model"].eval()(eval(made, {"torch": torch}))
    return tuple((result[0] if isinstance(result, tuple) else result).shape)


@pytest.mark.parametrize("name", INPUTS)
@ANY
@given(data=st.data())
def test_every_candidate_builds_and_gives_what_the_authors_model_gives(
    name: str, data: st.DataObject
) -> None:
    text, made = INPUTS[name]
    for found in (read(name), observed(name)):
        candidate = applied(found, data.draw(assignments(found, moves=True)))
        assert output_shape(candidate.files[0].data.decode(), made) == output_shape(text, made)


@pytest.mark.parametrize("name", INPUTS)
@ANY
@given(data=st.data())
def test_edits_lie_in_the_knobs_spans_and_can_be_undone(name: str, data: st.DataObject) -> None:
    found = observed(name)
    candidate = applied(found, data.draw(assignments(found, moves=False)))
    after = SourceText.read(candidate.files[0])
    assert undo_edits(found.program.entry.source, candidate.edits, after.text) == INPUTS[name][0]
    spans = {span for knob in found.discovery.knobs for span in knob.spans}
    assert {edit.span for edit in candidate.edits} <= spans


@pytest.mark.parametrize("name", INPUTS)
def test_the_extremes_of_every_size_build(name: str) -> None:
    text, made = INPUTS[name]
    found = observed(name)
    wanted = output_shape(text, made)
    for parameter in found.discovery.space.parameters:
        ends = parameter.domain.choices or (parameter.domain.low, parameter.domain.high)
        for end in (ends[0], ends[-1]):
            candidate = found.apply(Assignment.of({parameter.name: end}))
            assert output_shape(candidate.files[0].data.decode(), made) == wanted, (parameter.name, end)


@pytest.mark.parametrize("name", INPUTS)
def test_once_run_nothing_is_uncertain(name: str) -> None:
    assert all(knob.certain for knob in observed(name).discovery.knobs)


def spans_of(name: str, knob: str) -> list[tuple[int, str]]:
    """Return the line and the text of every place of a knob."""
    found = read(name)
    source = found.program.entry.source
    spans = next(one.spans for one in found.discovery.knobs if one.name == knob)
    return [(span.line, source.segment(span)) for span in spans]


@pytest.mark.parametrize(
    ("name", "knob", "texts"),
    [
        ("classic", "conv1.out_channels", ["16", "16"]),
        ("classic", "conv2.out_channels", ["24", "3456"]),
        ("viewed", "conv2d_2.out_channels", ["16", "16", "16", "16"]),
        ("sequential", "HIDDEN", ["40", "40"]),
        ("looped", "linear_3.out_features", ["12", "24"]),
        ("recurrent", "hidden_size", ["20"]),
        ("variational", "fc21.out_features", ["8", "8", "8", "8"]),
        ("autoencoder", "conv2d_2.out_channels", ["16", "16"]),
        ("tabled", "widths.large_3", ["16"]),
        ("tabled", "widths.large_4", ["24", "24"]),
    ],
)
def test_what_is_one_width(name: str, knob: str, texts: list[str]) -> None:
    assert [text for _, text in spans_of(name, knob)] == texts


def test_a_padding_that_keeps_the_size_follows_its_kernel() -> None:
    candidate = read("viewed").apply(Assignment.of({"conv2d_1.kernel_size": 7}))
    assert "kernel_size=7, stride=1, padding=3)" in candidate.files[0].data.decode()


def test_a_flat_size_follows_filters_and_kernels() -> None:
    candidate = observed("classic").apply(Assignment.of({"conv2.out_channels": 10, "conv1.kernel_size": 5}))
    text = candidate.files[0].data.decode()
    assert "nn.Linear(1210, 64)" in text  # 10 filters, (28 - 4 - 2) // 2 = 11 pixels a side


def test_a_flat_size_that_nobody_knows_is_never_guessed() -> None:
    with pytest.raises(InfeasibleError, match="cannot be computed"):
        read("classic").apply(Assignment.of({"conv1.kernel_size": 5}))


def test_heads_divide_the_width_whatever_is_chosen() -> None:
    space = read("transformer").discovery.space
    widths = space.parameter("Encoder.d_model").domain.choices
    heads = space.parameter("Encoder.nhead").domain.choices
    assert all(width % head == 0 for width in widths for head in heads)


def test_a_dropout_goes_behind_a_hidden_activation() -> None:
    found = read("stacked")
    assert [move.line for move in found.discovery.moves] == [12, 13]
    text = found.apply(Assignment.of({"hidden_1.dropout_after": 0.3})).files[0].data.decode()
    assert "    nn.ReLU(), nn.Dropout(0.3),  # first\n" in text


def test_no_dropout_goes_where_layers_are_asked_for_by_number() -> None:
    text = INPUTS["stacked"][0] + "print(model[1].weight)\n"
    assert Rewriter(script(text)).discovery.moves == ()


def test_a_model_that_functions_are_handed_is_one_model() -> None:
    text = INPUTS["classic"][0] + (
        "def train(model, data):\n    for x, y in data:\n        F.nll_loss(model(x), y).backward()\n"
        "def main():\n    model = Net().to('cpu')\n    train(model, [])\nmain()\n"
    )
    found = Rewriter(script(text), observed=Observed((LayerShape("conv1", "Conv2d", (2, 1, 28, 28)),)))
    kernels = [knob for knob in found.discovery.knobs if knob.role == "kernel_size"]
    assert [knob.certain for knob in kernels] == [True, True]
