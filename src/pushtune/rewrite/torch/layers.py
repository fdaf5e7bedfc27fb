"""What each layer of ``torch.nn`` makes of a tensor's shape, and what it expects of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pushtune.rewrite.torch.arguments import argument, flag, known, leaf, sides_of, size_of
from pushtune.rewrite.torch.facts import Divisor, Facts
from pushtune.rewrite.torch.sizes import (
    Fixed,
    Grown,
    Leaf,
    Opaque,
    Size,
    Sum,
    Window,
    evaluate,
    leaves,
    product,
)
from pushtune.rewrite.torch.values import LOST, UNTRACED, Items, Layer, Plain, Tensor, Value

PRESERVING = frozenset(
    (
        "ReLU", "ReLU6", "LeakyReLU", "PReLU", "RReLU", "ELU", "SELU", "CELU", "GELU", "SiLU",
        "Mish", "Sigmoid", "Tanh", "Softmax", "Softmax2d", "LogSoftmax", "Softplus", "Softsign",
        "Hardtanh", "Hardswish", "Hardsigmoid", "LogSigmoid", "Threshold", "Identity", "Dropout",
        "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout",
        "LocalResponseNorm", "Tanhshrink", "Softshrink", "Softmin",
    )
)  # fmt: skip
"""Layers that leave every dimension as it is."""


def apply_layer(facts: Facts, layer: Layer, given: Sequence[Value]) -> Value:
    """Return what ``layer`` makes of ``given``. What it expects of its input goes to ``facts``."""
    first = given[0] if given else LOST
    tensor = first if isinstance(first, Tensor) else UNTRACED
    if layer.kind in PRESERVING:
        return tensor
    for start, apply in _LAYERS.items():
        if layer.kind.startswith(start):
            return apply(facts, layer, tensor, given[1:])
    facts.loosen(*given)
    return UNTRACED


def declare_layer(facts: Facts, layer: Layer) -> None:
    """Note which numbers give the layer's output its width, whether it is ever called or not."""
    for name in (
        "out_features",
        "out_channels",
        "hidden_size",
        "embedding_dim",
        "d_model",
        "dim_feedforward",
    ):
        facts.widths |= leaves(known(argument(layer, name)))
    for name in ("in_features", "in_channels", "input_size", "d_model"):
        facts.consumed |= leaves(known(argument(layer, name)))
    heads = argument(layer, "num_heads") or argument(layer, "nhead")
    width = argument(layer, "embed_dim") or argument(layer, "d_model")
    if heads is not None and width is not None:
        facts.divisors.append(Divisor(width, heads))


def expect(facts: Facts, layer: Layer, name: str, flow: Size) -> None:
    """Note that the argument ``name`` must be what comes in."""
    declared = argument(layer, name)
    if declared is not None:
        owner = f"{layer.path or layer.kind}.{name}"
        facts.equal(declared, flow, owner, layer.module, layer.nodes.get(name))
    else:
        facts.loosen(flow)


def _linear(facts: Facts, layer: Layer, tensor: Tensor, more: Sequence[Value]) -> Value:
    expect(facts, layer, "in_features", tensor.dim(-1))
    return Tensor((*tensor.dims[:-1], known(argument(layer, "out_features"))), tensor.open)


def _embedding(facts: Facts, layer: Layer, tensor: Tensor, more: Sequence[Value]) -> Value:
    dims = tensor.dims if layer.kind == "Embedding" else ()
    return Tensor((*dims, known(argument(layer, "embedding_dim"))), tensor.open)


def _batchnorm(facts: Facts, layer: Layer, tensor: Tensor, more: Sequence[Value]) -> Value:
    sides = int(layer.kind[-2]) if layer.kind[-2:-1].isdigit() else 1
    if sides > 1:
        tensor = tensor.ranked(sides + 2)
    place = 1 if not tensor.open and len(tensor.dims) > 1 else -1
    expect(facts, layer, "num_features", tensor.dim(place))
    return tensor


def _layernorm(facts: Facts, layer: Layer, tensor: Tensor, more: Sequence[Value]) -> Value:
    shape = layer.arguments.get("normalized_shape")
    if isinstance(shape, Items) and len(shape.items) > 1:
        for place, item in enumerate(reversed(shape.items), 1):
            declared = size_of(item)
            if declared is not None:
                facts.equal(declared, tensor.dim(-place), f"{layer.path or layer.kind}.normalized_shape")
        return tensor
    expect(facts, layer, "normalized_shape", tensor.dim(-1))
    return tensor


def _groupnorm(facts: Facts, layer: Layer, tensor: Tensor, more: Sequence[Value]) -> Value:
    expect(facts, layer, "num_channels", tensor.dim(1))
    groups, channels = argument(layer, "num_groups"), argument(layer, "num_channels")
    if groups is not None and channels is not None:
        facts.divisors.append(Divisor(channels, groups))
    return tensor


def _observed(facts: Facts, layer: Layer, tensor: Tensor) -> Tensor:
    """Return ``tensor`` with the sides that a run saw coming into the layer."""
    seen = facts.shapes.get(layer.path or "")
    if seen is None or seen.type not in ("", layer.kind) or len(seen.input_shape) != len(tensor.dims):
        return tensor
    pairs = zip(tensor.dims, seen.input_shape, strict=True)
    dims = tuple(
        Opaque(dim.source, number) if place > 1 and isinstance(dim, Opaque) else dim
        for place, (dim, number) in enumerate(pairs)
    )
    return Tensor(dims, lost=tensor.lost)


def _convolution(facts: Facts, layer: Layer, tensor: Tensor, more: Sequence[Value]) -> Value:
    count = int(layer.kind[-2])
    tensor = _observed(facts, layer, tensor.ranked(count + 2))
    expect(facts, layer, "in_channels", tensor.dims[1])
    groups = argument(layer, "groups", 1)
    for name in ("in_channels", "out_channels"):
        channels = argument(layer, name)
        if groups != Fixed(1) and groups is not None and channels is not None:
            facts.divisors.append(Divisor(channels, groups))
    slide = _grow if "Transpose" in layer.kind else _slide
    return Tensor(
        (tensor.dims[0], known(argument(layer, "out_channels")), *slide(facts, layer, tensor.dims[2:]))
    )


def _slide(facts: Facts, layer: Layer, sides: Sequence[Size]) -> tuple[Size, ...]:
    padding = layer.arguments.get("padding")
    if isinstance(padding, Plain) and padding.value == "same":
        return tuple(sides)
    parts = [
        sides_of(layer.arguments.get(name), len(sides), default)
        for name, default in (("kernel_size", None), ("stride", 1), ("padding", 0), ("dilation", 1))
    ]
    kernels, strides, pads, dilations = parts
    if isinstance(padding, Plain):
        pads = (Fixed(0) if padding.value == "valid" else None,) * len(sides)
    return tuple(
        window(facts, *numbers) for numbers in zip(sides, kernels, strides, pads, dilations, strict=True)
    )


def window(
    facts: Facts,
    side: Size,
    kernel: Size | None,
    stride: Size | None,
    padding: Size | None,
    dilation: Size | None,
    *,
    up: bool = False,
) -> Size:
    """Return what a sliding window leaves of ``side``.

    A padding of half an odd kernel keeps the side: it is to follow the kernel, which then changes nothing.
    """
    if kernel is None or stride is None or padding is None or dilation is None:
        facts.loosen(side, kernel, padding)
        return Opaque("lost")
    size, pad = leaf(kernel), leaf(padding)
    half = size is not None and size.number % 2 == 1 and pad is not None and pad.number == size.number // 2
    if half and pad is not None and size is not None and size.number > 1 and evaluate(dilation, {}) == 1:
        facts.pads.setdefault(pad, size)
        if facts.pads[pad] == size:
            kernel, padding = Fixed(1), Fixed(0)
    found = Window(side, kernel, stride, padding, dilation, up)
    facts.windows.append(found)
    return found


def _grow(facts: Facts, layer: Layer, sides: Sequence[Size]) -> tuple[Size, ...]:
    names = (("kernel_size", None), ("stride", 1), ("padding", 0), ("dilation", 1), ("output_padding", 0))
    parts = [sides_of(layer.arguments.get(name), len(sides), default) for name, default in names]
    found: list[Size] = []
    for side, *numbers in zip(sides, *parts, strict=True):
        if any(number is None for number in numbers):
            facts.loosen(side, *numbers)
            found.append(Opaque("lost"))
        else:
            found.append(Grown(side, *(known(number) for number in numbers)))
            facts.windows.append(found[-1])
    return tuple(found)


def _pool(facts: Facts, layer: Layer, tensor: Tensor, more: Sequence[Value]) -> Value:
    count = int(layer.kind[-2])
    tensor = tensor.ranked(count + 2) if tensor.open else tensor
    if len(tensor.dims) < count:
        return UNTRACED
    tensor = _observed(facts, layer, tensor)
    front, sides = tensor.dims[:-count], tensor.dims[-count:]
    return Tensor((*front, *pooled(facts, layer.arguments, sides)), lost=tensor.lost)


def pooled(facts: Facts, arguments: Mapping[str, Value], sides: Sequence[Size]) -> tuple[Size, ...]:
    """Return the sides behind a pool; its stride is its kernel where it is left out."""
    kernel = arguments.get("kernel_size")
    stride = arguments.get("stride", kernel)
    stride = kernel if isinstance(stride, Plain) and stride.value is None else stride
    up = arguments.get("ceil_mode")
    rounded = isinstance(up, Plain) and up.value is True
    count = len(sides)
    parts = zip(
        sides,
        sides_of(kernel, count),
        sides_of(stride, count),
        sides_of(arguments.get("padding"), count, 0),
        sides_of(arguments.get("dilation"), count, 1),
        strict=True,
    )
    return tuple(window(facts, *numbers, up=rounded) for numbers in parts)


def _adaptive(facts: Facts, layer: Layer, tensor: Tensor, more: Sequence[Value]) -> Value:
    count = int(layer.kind[-2])
    tensor = tensor.ranked(count + 2) if tensor.open else tensor
    return Tensor(
        (*tensor.dims[:-count], *adapted(layer.arguments.get("output_size"), count, tensor.dims)),
        lost=tensor.lost,
    )


def adapted(output: Value | None, count: int, dims: Sequence[Size]) -> tuple[Size, ...]:
    """Return the sides behind an adaptive pool; None keeps a side."""
    items = output.items if isinstance(output, Items) else [output] * count
    sides = dims[-count:] if len(dims) >= count else [Opaque("lost")] * count
    return tuple(
        side if isinstance(item, Plain) and item.value is None else known(size_of(item))
        for item, side in zip(items, sides, strict=False)
    )


def _recurrent(facts: Facts, layer: Layer, tensor: Tensor, more: Sequence[Value]) -> Value:
    tensor = tensor.ranked(3) if tensor.open else tensor
    expect(facts, layer, "input_size", tensor.dim(-1))
    hidden, depth = argument(layer, "hidden_size"), argument(layer, "num_layers", 1)
    both = flag(layer, "bidirectional")
    if hidden is None or both is None:
        facts.loosen(hidden, depth)
        return LOST
    ways: Size = Fixed(2 if both else 1)
    states = Tensor((product([known(depth), ways]), Opaque("data"), hidden))
    _given_states(facts, layer, states, more)
    out = Tensor((*tensor.dims[:-1], product([hidden, ways])), lost=tensor.lost)
    last: Value = Items([states, states], is_tuple=True) if layer.kind == "LSTM" else states
    return Items([out, last], is_tuple=True)


def _given_states(facts: Facts, layer: Layer, states: Tensor, more: Sequence[Value]) -> None:
    """Note that first states that are handed in must have the shape of the layer's own."""
    if not more or (isinstance(more[0], Plain) and more[0].value is None):
        return
    handed = more[0].items if isinstance(more[0], Items) else [more[0]]
    for state in handed:
        if not isinstance(state, Tensor) or len(state.dims) < 3:
            facts.loosen(states)
            continue
        for place in (-1, -3):
            facts.equal(state.dims[place], states.dims[place], f"{layer.path or layer.kind}.states")


def _cell(facts: Facts, layer: Layer, tensor: Tensor, more: Sequence[Value]) -> Value:
    expect(facts, layer, "input_size", tensor.dim(-1))
    hidden = known(argument(layer, "hidden_size"))
    states = Tensor((*tensor.dims[:-1], hidden), tensor.open)
    for given in more:
        for state in given.items if isinstance(given, Items) else [given]:
            if isinstance(state, Tensor) and state.dims:
                facts.equal(state.dims[-1], hidden, f"{layer.path or layer.kind}.states")
            elif not (isinstance(state, Plain) and state.value is None):
                facts.loosen(hidden)
    return Items([states, states], is_tuple=True) if layer.kind == "LSTMCell" else states


def _attention(facts: Facts, layer: Layer, tensor: Tensor, more: Sequence[Value]) -> Value:
    expect(facts, layer, "embed_dim", tensor.dim(-1))
    for other in more[:2]:
        if isinstance(other, Tensor) and "kdim" not in layer.arguments:
            expect(facts, layer, "embed_dim", other.dim(-1))
    return Items([tensor, UNTRACED], is_tuple=True)


def _transformer(facts: Facts, layer: Layer, tensor: Tensor, more: Sequence[Value]) -> Value:
    inner = layer.arguments.get("encoder_layer") or layer.arguments.get("decoder_layer")
    told = inner if isinstance(inner, Layer) else layer
    for other in (tensor, *more[:1]):
        if isinstance(other, Tensor) and (other is tensor or layer.kind != "TransformerEncoder"):
            expect(facts, told, "d_model", other.dim(-1))
    return more[0] if layer.kind == "Transformer" and more and isinstance(more[0], Tensor) else tensor


def _flatten(facts: Facts, layer: Layer, tensor: Tensor, more: Sequence[Value]) -> Value:
    start = evaluate(known(argument(layer, "start_dim", 1)), {})
    end = evaluate(known(argument(layer, "end_dim", -1)), {})
    if start is None or end is None:
        facts.loosen(tensor)
        return UNTRACED
    return flattened(tensor, start, end)


def flattened(tensor: Tensor, start: int, end: int) -> Tensor:
    """Return the tensor with the dimensions from ``start`` to ``end`` made one."""
    if tensor.open:
        last: Size = Opaque("lost" if tensor.lost or tensor.dims else "data")
        return Tensor((Opaque("data"), last), lost=tensor.lost)
    rank = len(tensor.dims)
    start, end = start % rank if rank else 0, end % rank if rank else 0
    merged = product(tensor.dims[start : end + 1])
    return Tensor((*tensor.dims[:start], merged, *tensor.dims[end + 1 :]), lost=tensor.lost)


def _unflatten(facts: Facts, layer: Layer, tensor: Tensor, more: Sequence[Value]) -> Value:
    shape = layer.arguments.get("unflattened_size")
    sizes = [size_of(item) for item in shape.items] if isinstance(shape, Items) else []
    where = evaluate(known(argument(layer, "dim")), {})
    if not sizes or any(size is None for size in sizes) or where not in (1, -1):
        facts.loosen(tensor)
        return UNTRACED
    told = [known(size) for size in sizes]
    if where == 1 and len(tensor.dims) not in (1, 2):
        facts.loosen(tensor, *told)
        return UNTRACED
    facts.equal(product(told), tensor.dim(-1), f"{layer.path or layer.kind}.unflattened_size")
    return Tensor((*(tensor.dims[:-1] or (Opaque("data"),)), *told))


def _upsample(facts: Facts, layer: Layer, tensor: Tensor, more: Sequence[Value]) -> Value:
    scale = size_of(layer.arguments.get("scale_factor"))
    if tensor.open or len(tensor.dims) < 3 or scale is None:
        front = tensor.ranked(4).dims[:2]
        return Tensor((*front, *(Opaque("lost") for _ in range(2))))
    return Tensor((*tensor.dims[:2], *(product([side, scale]) for side in tensor.dims[2:])))


def _padded(facts: Facts, layer: Layer, tensor: Tensor, more: Sequence[Value]) -> Value:
    count = int(layer.kind[-2])
    amount = size_of(next(iter(layer.arguments.values()), None))
    tensor = tensor.ranked(count + 2)
    sides: list[Size] = [
        Opaque("lost") if amount is None else Sum((side, amount, amount)) for side in tensor.dims[2:]
    ]
    return Tensor((*tensor.dims[:2], *sides))


_LAYERS: Mapping[str, Callable[[Facts, Layer, Tensor, Sequence[Value]], Value]] = {
    "Linear": _linear,
    "Embedding": _embedding,
    "BatchNorm": _batchnorm,
    "SyncBatchNorm": _batchnorm,
    "InstanceNorm": _batchnorm,
    "LayerNorm": _layernorm,
    "RMSNorm": _layernorm,
    "GroupNorm": _groupnorm,
    "Conv": _convolution,
    "MaxPool": _pool,
    "AvgPool": _pool,
    "Adaptive": _adaptive,
    "LSTMCell": _cell,
    "GRUCell": _cell,
    "RNNCell": _cell,
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "RNN": _recurrent,
    "MultiheadAttention": _attention,
    "Transformer": _transformer,
    "Flatten": _flatten,
    "Unflatten": _unflatten,
    "Upsample": _upsample,
    "UpsamplingNearest": _upsample,
    "UpsamplingBilinear": _upsample,
    "ZeroPad": _padded,
    "ReflectionPad": _padded,
    "ReplicationPad": _padded,
}
"""By the beginning of the layer's name; the first that fits counts."""

__all__ = ["Leaf", "adapted", "apply_layer", "declare_layer", "flattened", "pooled", "window"]
