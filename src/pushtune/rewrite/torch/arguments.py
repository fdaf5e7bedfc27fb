"""The arguments of PyTorch's layers: their order, and reading sizes out of what they are given."""

from __future__ import annotations

from collections.abc import Mapping

from pushtune.rewrite.torch.sizes import Fixed, Leaf, Opaque, Size
from pushtune.rewrite.torch.values import Items, Layer, Number, Plain, Value

_CONVOLUTION = (
    "in_channels",
    "out_channels",
    "kernel_size",
    "stride",
    "padding",
    "dilation",
    "groups",
    "bias",
)
_TRANSPOSED = (
    "in_channels", "out_channels", "kernel_size", "stride", "padding", "output_padding", "groups", "bias",
    "dilation",
)  # fmt: skip
_RECURRENT = (
    "input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional",
)  # fmt: skip
_SIDES = ("1d", "2d", "3d")

POSITIONS: Mapping[str, tuple[str, ...]] = {
    "Linear": ("in_features", "out_features", "bias"),
    "Embedding": ("num_embeddings", "embedding_dim"),
    "EmbeddingBag": ("num_embeddings", "embedding_dim"),
    "LayerNorm": ("normalized_shape",),
    "RMSNorm": ("normalized_shape",),
    "GroupNorm": ("num_groups", "num_channels"),
    "Flatten": ("start_dim", "end_dim"),
    "Unflatten": ("dim", "unflattened_size"),
    "Upsample": ("size", "scale_factor"),
    "PReLU": ("num_parameters",),
    "LSTM": _RECURRENT,
    "GRU": _RECURRENT,
    "RNN": ("input_size", "hidden_size", "num_layers", "nonlinearity", *_RECURRENT[3:]),
    **{f"{kind}Cell": ("input_size", "hidden_size", "bias") for kind in ("LSTM", "GRU", "RNN")},
    "MultiheadAttention": ("embed_dim", "num_heads", "dropout"),
    "TransformerEncoderLayer": ("d_model", "nhead", "dim_feedforward", "dropout"),
    "TransformerDecoderLayer": ("d_model", "nhead", "dim_feedforward", "dropout"),
    "TransformerEncoder": ("encoder_layer", "num_layers", "norm"),
    "TransformerDecoder": ("decoder_layer", "num_layers", "norm"),
    "Transformer": (
        "d_model", "nhead", "num_encoder_layers", "num_decoder_layers", "dim_feedforward", "dropout",
    ),
    **{f"Conv{sides}": _CONVOLUTION for sides in _SIDES},
    **{f"ConvTranspose{sides}": _TRANSPOSED for sides in _SIDES},
    **{
        f"MaxPool{sides}": ("kernel_size", "stride", "padding", "dilation", "return_indices", "ceil_mode")
        for sides in _SIDES
    },
    **{f"AvgPool{sides}": ("kernel_size", "stride", "padding", "ceil_mode") for sides in _SIDES},
    **{f"Adaptive{kind}Pool{sides}": ("output_size",) for kind in ("Avg", "Max") for sides in _SIDES},
    **{f"{kind}Norm{sides}": ("num_features",) for kind in ("Batch", "Instance") for sides in _SIDES},
}  # fmt: skip
"""The first arguments of each layer in order."""


def size_of(value: Value | None, default: int | None = None) -> Size | None:
    """Return the whole number that ``value`` is; ``default`` where there is no value at all."""
    if value is None:
        return None if default is None else Fixed(default)
    if isinstance(value, Number):
        return value.size
    if isinstance(value, Items) and len(value.items) == 1:
        return size_of(value.items[0])
    return None


def known(size: Size | None) -> Size:
    """Return the size, or one that reading lost."""
    return Opaque("lost") if size is None else size


def sides_of(value: Value | None, count: int, default: int | None = None) -> tuple[Size | None, ...]:
    """Return one size for each of ``count`` sides, from a number or a tuple of them."""
    if isinstance(value, Items) and len(value.items) == count:
        return tuple(size_of(item) for item in value.items)
    return (size_of(value, default),) * count


def argument(layer: Layer, name: str, default: int | None = None) -> Size | None:
    """Return a whole number that ``layer`` is given, or its ``default``."""
    return size_of(layer.arguments.get(name), default)


def flag(layer: Layer, name: str) -> bool | None:
    """Return a truth that ``layer`` is given, False where it is left out; None where it cannot be told."""
    value = layer.arguments.get(name, Plain(False))
    return value.value if isinstance(value, Plain) and isinstance(value.value, bool) else None


def leaf(size: Size | None) -> Leaf | None:
    """Return ``size`` if it is one number of the source."""
    return size if isinstance(size, Leaf) else None
