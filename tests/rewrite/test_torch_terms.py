"""Sizes that share parts: each is asked once, and only what speaks of a changed number is looked at again."""

from pathlib import Path

from rewriting import knobs, rewriter

from pushtune.model.analysis import Span
from pushtune.rewrite.torch.sizes import Fixed, Leaf, Opaque, Size, Sum, evaluate, leaves, ratio

WIDTH = Leaf(Span("net.py", 1, 0, 1, 2), 12)
OTHER = Leaf(Span("net.py", 2, 0, 2, 2), 5)


def test_opaque_sizes_stay_apart() -> None:
    assert Opaque("data") != Opaque("data")
    assert Fixed(3) == Fixed(3) != Fixed(4)


def test_a_size_is_made_of_the_numbers_below_it() -> None:
    assert leaves(Sum((WIDTH, Fixed(2)), (OTHER,))) == {WIDTH, OTHER}
    assert leaves(Opaque("lost")) == frozenset()


def test_a_size_of_shared_parts_is_not_taken_apart_again_for_each_of_them() -> None:
    size: Size = WIDTH
    for _ in range(60):  # 2 ** 60 paths lead to the one number
        size = Sum((size, size))
    assert leaves(size) == {WIDTH}
    assert evaluate(size, {}) == evaluate(size, {OTHER.span: 7}) == 12 * 2**60
    assert ratio(size, {OTHER.span: 7}) == 1


def test_only_a_change_of_its_own_numbers_changes_a_size() -> None:
    size = Sum((WIDTH, Fixed(2)), (OTHER,))
    assert evaluate(size, {}) == 9
    assert evaluate(size, {OTHER.span: 4}) == 10
    assert evaluate(Sum((WIDTH, Opaque("lost"))), {WIDTH.span: 4}) is None


def dense(layers: int) -> str:
    """Return a network whose every layer sees all that the layers before it gave."""
    made = "".join(f"        self.fc{n} = nn.Linear({8 * (n + 1)}, 8)\n" for n in range(layers))
    used = "".join(f"        x = torch.cat([x, self.fc{n}(x)], 1)\n" for n in range(layers))
    return (
        "import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n"
        f"        super().__init__()\n{made}        self.out = nn.Linear({8 * (layers + 1)}, 10)\n"
        f"    def forward(self, x):\n{used}        return self.out(x)\nmodel = Net()\n"
    )


def test_a_layer_that_sees_all_before_it_keeps_its_output_to_itself(tmp_path: Path) -> None:
    assert "out.out_features" not in knobs(rewriter(tmp_path, dense(24)))
