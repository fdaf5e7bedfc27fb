"""What PyTorch's functions and the methods of its tensors make of shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pushtune.rewrite.torch.arguments import POSITIONS, known, size_of
from pushtune.rewrite.torch.facts import Facts
from pushtune.rewrite.torch.layers import adapted, flattened, pooled
from pushtune.rewrite.torch.reshaping import reshape
from pushtune.rewrite.torch.sizes import Fixed, Opaque, Size, Sum, evaluate, product, quotient
from pushtune.rewrite.torch.values import (
    LOST,
    UNTRACED,
    Items,
    Lost,
    Number,
    Plain,
    Shape,
    Tensor,
    Value,
)

ELEMENTWISE = frozenset(
    (
        "relu", "relu_", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish",
        "sigmoid", "tanh", "softmax", "log_softmax", "softplus", "softsign", "hardtanh",
        "hardswish", "hardsigmoid", "logsigmoid", "softmin", "gumbel_softmax", "prelu", "rrelu",
        "threshold", "tanhshrink", "dropout", "dropout1d", "dropout2d", "dropout3d",
        "alpha_dropout", "normalize", "contiguous", "to", "cuda", "cpu", "float", "half",
        "bfloat16", "double", "long", "int", "bool", "type", "type_as", "clone", "detach",
        "detach_", "clamp", "clamp_", "exp", "log", "log1p", "sqrt", "rsqrt", "abs", "neg", "sign",
        "square", "reciprocal", "sin", "cos", "round", "floor", "ceil", "erf", "masked_fill",
        "masked_fill_", "triu", "tril", "cumsum", "cumprod", "flip", "randn_like", "zeros_like",
        "ones_like", "rand_like", "empty_like", "full_like", "bernoulli", "requires_grad_",
        "nan_to_num", "isnan", "roll", "normal_", "zero_", "fill_", "uniform_", "pin_memory",
        "data", "log_", "exp_", "sigmoid_", "tanh_", "Variable", "Parameter", "pow", "mul_", "add_",
        "instance_norm", "local_response_norm",
    )
)  # fmt: skip
_BROADCAST = frozenset(
    ("add", "sub", "mul", "div", "true_divide", "maximum", "minimum", "where", "lerp", "addcmul", "logaddexp")
)
_REDUCING = frozenset(
    (
        "mean", "sum", "max", "min", "prod", "std", "var", "amax", "amin", "argmax", "argmin",
        "norm", "logsumexp", "median", "any", "all",
    )
)  # fmt: skip
_PAIRED = frozenset(("max", "min", "median", "sort", "topk", "std_mean", "var_mean"))
_MAKING = frozenset(
    ("zeros", "ones", "randn", "rand", "empty", "full", "normal", "new_zeros", "new_ones", "eye")
)
_SINKS = frozenset(
    (
        "cross_entropy", "nll_loss", "mse_loss", "l1_loss", "smooth_l1_loss",
        "binary_cross_entropy", "kl_div", "binary_cross_entropy_with_logits", "item", "numpy",
        "tolist", "backward", "is_cuda", "dtype", "device", "register_hook", "retain_grad", "numel",
        "dim", "ndimension", "ndim", "is_contiguous", "data_ptr", "requires_grad", "grad", "arange",
        "linspace", "tensor", "manual_seed", "no_grad",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Arguments:
    """What a function is given, the tensor of a method first."""

    facts: Facts
    name: str
    given: Sequence[Value]
    keywords: Mapping[str, Value]

    @property
    def tensor(self) -> Tensor:
        """The first argument, or a tensor of which nothing is known."""
        first = self.given[0] if self.given else self.keywords.get("input", LOST)
        return first if isinstance(first, Tensor) else UNTRACED

    def get(self, place: int, *names: str) -> Value | None:
        """Return an argument by name or by place."""
        for name in names:
            if name in self.keywords:
                return self.keywords[name]
        return self.given[place] if place < len(self.given) else None

    def number(self, place: int, *names: str) -> int | None:
        """Return the author's number for an argument; None where there is none or it is no number."""
        size = size_of(self.get(place, *names))
        return None if size is None else evaluate(size, {})

    def lose(self) -> Value:
        """Note that what is given cannot be followed further."""
        self.facts.loosen(*self.given, *self.keywords.values())
        return LOST


def call_tensor_function(
    facts: Facts, name: str, given: Sequence[Value], keywords: Mapping[str, Value]
) -> Value:
    """Return what the function or method called ``name`` makes of its arguments."""
    arguments = Arguments(facts, name, given, keywords)
    if name in ELEMENTWISE:
        return given[0] if given and isinstance(given[0], Tensor) else UNTRACED
    for names, apply in _GROUPS:
        if name in names:
            return apply(arguments)
    found = _FUNCTIONS.get(name)
    return found(arguments) if found is not None else arguments.lose()


def broadcast(facts: Facts, left: Value, right: Value, owner: str = "sum") -> Value:
    """Return the shape of ``left + right``; dimensions that meet must agree, or be 1."""
    if not isinstance(left, Tensor) or not isinstance(right, Tensor):
        tensor = left if isinstance(left, Tensor) else right if isinstance(right, Tensor) else None
        other = right if tensor is left else left
        if tensor is not None and isinstance(other, Lost):
            return tensor
        return tensor if tensor is not None else LOST
    longer, shorter = (left, right) if len(left.dims) >= len(right.dims) else (right, left)
    dims = list(longer.dims)
    for place in range(1, len(shorter.dims) + 1):
        dims[-place] = _met(facts, longer.dims[-place], shorter.dims[-place], owner)
    return Tensor(tuple(dims), left.open or right.open, left.lost or right.lost)


def _met(facts: Facts, one: Size, other: Size, owner: str) -> Size:
    first, second = evaluate(one, {}), evaluate(other, {})
    if second == 1 and first != 1:
        return one
    if first == 1 and second != 1:
        return other
    if first is not None and second is not None and first != second:
        facts.loosen(Number(one), Number(other))
        return one
    facts.equal(one, other, owner)
    return one if not isinstance(one, Opaque) else other


def multiply(facts: Facts, left: Value, right: Value) -> Value:
    """Return the shape of ``left @ right``."""
    if not isinstance(left, Tensor) or not isinstance(right, Tensor) or len(right.dims) < 2:
        facts.loosen(left, right)
        return UNTRACED
    facts.equal(right.dims[-2], left.dim(-1), "matmul")
    front = left.dims[:-1] if len(left.dims) >= len(right.dims) else (*right.dims[:-2], left.dim(-2))
    return Tensor((*front, right.dims[-1]), left.open, left.lost or right.lost)


def shape_of(tensor: Tensor) -> Value:
    """Return ``tensor.shape``."""
    return Shape(tensor) if tensor.open else Items([Number(dim) for dim in tensor.dims], is_tuple=True)


def _broadcasting(arguments: Arguments) -> Value:
    result: Value = arguments.given[0] if arguments.given else LOST
    for other in arguments.given[1:]:
        result = broadcast(arguments.facts, result, other)
    return result


def _reducing(arguments: Arguments) -> Value:
    tensor = arguments.tensor
    if arguments.name in ("max", "min") and isinstance(arguments.get(1), Tensor):
        return _broadcasting(arguments)
    where = arguments.get(2 if arguments.name == "norm" else 1, "dim", "axis")
    keep = arguments.get(2, "keepdim")
    kept = isinstance(keep, Plain) and keep.value is True
    if where is None:
        return Tensor(())
    items = where.items if isinstance(where, Items) else [where]
    places = [evaluate(known(size_of(item)), {}) for item in items]
    result = tensor
    for place in sorted((p for p in places if p is not None), key=lambda p: -abs(p)):
        result = _without(result, place, kept)
    if any(place is None for place in places):
        result = UNTRACED
    if arguments.name in _PAIRED and not isinstance(where, Items):
        return Items([result, result], is_tuple=True)
    return result


def _without(tensor: Tensor, place: int, kept: bool) -> Tensor:
    if tensor.open and (place >= 0 or -place > len(tensor.dims)):
        # Which of the known dimensions that is cannot be told, but for the last one, which is rarely it.
        return Tensor(tensor.dims[-1:], open=True, lost=tensor.lost)
    rank = len(tensor.dims)
    if not -rank <= place < rank:
        return UNTRACED
    place %= rank
    middle: tuple[Size, ...] = (Fixed(1),) if kept else ()
    return Tensor((*tensor.dims[:place], *middle, *tensor.dims[place + 1 :]), tensor.open, tensor.lost)


def _making(arguments: Arguments) -> Value:
    given: Sequence[Value] = [item for item in arguments.given if not isinstance(item, (Tensor, Plain))]
    if arguments.name == "full" or "size" in arguments.keywords:
        given = [arguments.get(0, "size") or LOST]
    if len(given) == 1 and isinstance(given[0], Items):
        given = given[0].items
    if len(given) == 1 and isinstance(given[0], Shape):
        return given[0].tensor
    if not given or any(isinstance(item, Items) for item in given):
        return UNTRACED
    return Tensor(tuple(known(size_of(item)) for item in given))


def _sink(arguments: Arguments) -> Value:
    return LOST


def _joined(arguments: Arguments) -> Value:
    sequence = arguments.get(0, "tensors")
    tensors = sequence.items if isinstance(sequence, Items) else []
    place = arguments.number(1, "dim", "axis") or 0
    if not tensors or not all(isinstance(tensor, Tensor) for tensor in tensors):
        return arguments.lose()
    parts = [tensor for tensor in tensors if isinstance(tensor, Tensor)]
    rank = max(len(part.dims) for part in parts)
    if place >= 0 and rank and not any(part.open for part in parts):
        place -= rank
    if place >= 0:
        # Two open tensors along a dimension counted from the front: the last one, in most code.
        arguments.facts.loosen(*parts)
        return UNTRACED
    return _glued(arguments.facts, parts, place)


def _glued(facts: Facts, parts: list[Tensor], place: int) -> Value:
    longest = max(parts, key=lambda part: len(part.dims))
    dims = list(longest.dims)
    if -place > len(dims):
        facts.loosen(*parts)
        return UNTRACED
    dims[place] = Sum(tuple(part.dim(place) for part in parts))
    for number in range(1, len(dims) + 1):
        for part in parts:
            if part is not longest and number != -place and number <= len(part.dims):
                facts.equal(dims[-number], part.dims[-number], "cat")
    return Tensor(tuple(dims), longest.open, any(part.lost for part in parts))


def _stacked(arguments: Arguments) -> Value:
    sequence = arguments.get(0, "tensors")
    first = sequence.items[0] if isinstance(sequence, Items) and sequence.items else None
    if not isinstance(first, Tensor) or not isinstance(sequence, Items):
        return arguments.lose()
    place = arguments.number(1, "dim", "axis") or 0
    return _opened(first, place, Fixed(len(sequence.items)))


def _opened(tensor: Tensor, place: int, size: Size) -> Tensor:
    rank = len(tensor.dims)
    if tensor.open and place >= 0:
        return Tensor(tensor.dims, open=True, lost=tensor.lost)
    place = place % (rank + 1) if not tensor.open else rank + 1 + place
    if place < 0:
        return tensor
    return Tensor((*tensor.dims[:place], size, *tensor.dims[place:]), tensor.open, tensor.lost)


def _unsqueezed(arguments: Arguments) -> Value:
    return _opened(arguments.tensor, arguments.number(1, "dim") or 0, Fixed(1))


def _squeezed(arguments: Arguments) -> Value:
    tensor, place = arguments.tensor, arguments.number(1, "dim")
    if place is not None:
        if not tensor.open and -len(tensor.dims) <= place < len(tensor.dims):
            arguments.facts.equal(Fixed(1), tensor.dims[place], "squeeze")
        return _without(tensor, place, False)
    if tensor.open:
        return tensor
    gone = [dim for dim in tensor.dims if evaluate(dim, {}) == 1]
    for dim in gone:
        arguments.facts.equal(Fixed(1), dim, "squeeze")
    return Tensor(tuple(dim for dim in tensor.dims if dim not in gone), lost=tensor.lost)


def _permuted(arguments: Arguments) -> Value:
    order = arguments.given[1:]
    if len(order) == 1 and isinstance(order[0], Items):
        order = order[0].items
    places = [evaluate(known(size_of(item)), {}) for item in order]
    tensor = arguments.tensor.ranked(len(places))
    if not places or any(place is None for place in places):
        return arguments.lose()
    return Tensor(tuple(tensor.dims[place or 0] for place in places), lost=tensor.lost)


def _transposed(arguments: Arguments) -> Value:
    tensor = arguments.tensor
    first, second = (
        (-2, -1) if arguments.name in ("t", "mT", "T") else (arguments.number(1), arguments.number(2))
    )
    if first is None or second is None:
        return arguments.lose()
    if tensor.open:
        if first < 0 and second < 0:
            tensor = tensor.ranked(max(len(tensor.dims), 2))
        elif {first, second} == {0, 1} and tensor.dims:
            return Tensor(
                tensor.dims[-1:], open=True, lost=tensor.lost
            )  # of three or more: the last one stays
        else:
            tensor = tensor.ranked(3)
    dims = list(tensor.dims)
    if not all(-len(dims) <= place < len(dims) for place in (first, second)):
        return arguments.lose()
    dims[first], dims[second] = dims[second], dims[first]
    return Tensor(tuple(dims), arguments.tensor.open, tensor.lost)


def _split(arguments: Arguments) -> Value:
    tensor, place = arguments.tensor, arguments.number(2, "dim") or 0
    if arguments.name == "chunk":
        count = arguments.number(1, "chunks")
        if count is None or not count or (tensor.open and place >= 0):
            return arguments.lose()
        size: Size = quotient([tensor.dim(place)], [Fixed(count)])
        return Items([_resized(tensor, place, size) for _ in range(count)], is_tuple=True)
    size_given = size_of(arguments.get(1, "split_size_or_sections", "split_size"))
    whole = tensor.dim(place)
    one, total = evaluate(known(size_given), {}), evaluate(whole, {})
    if size_given is None or not one or total is None:
        return arguments.lose()
    count = -(-total // one)
    arguments.facts.equal(product([size_given, Fixed(count)]), whole, "split")
    return Items([_resized(tensor, place, size_given) for _ in range(count)], is_tuple=True)


def _resized(tensor: Tensor, place: int, size: Size) -> Tensor:
    dims = list(tensor.dims)
    if -len(dims) <= place < len(dims) and (place < 0 or not tensor.open):
        dims[place] = size
        return Tensor(tuple(dims), tensor.open, tensor.lost)
    return UNTRACED


def _expanded(arguments: Arguments) -> Value:
    sizes = arguments.given[1:]
    if len(sizes) == 1 and isinstance(sizes[0], Items):
        sizes = sizes[0].items
    tensor = (
        arguments.tensor.ranked(len(sizes)) if len(sizes) >= len(arguments.tensor.dims) else arguments.tensor
    )
    if len(sizes) != len(tensor.dims):
        return arguments.lose()
    dims = []
    for dim, given in zip(tensor.dims, sizes, strict=True):
        size = size_of(given)
        keeps = size is None or evaluate(size, {}) == -1
        dims.append(dim if keeps else _met(arguments.facts, known(size), dim, "expand"))
    return Tensor(tuple(dims), lost=tensor.lost)


def _repeated(arguments: Arguments) -> Value:
    times = arguments.given[1:]
    if len(times) == 1 and isinstance(times[0], Items):
        times = times[0].items
    tensor = arguments.tensor.ranked(len(times)) if times else arguments.tensor
    if not times or len(tensor.dims) != len(times):
        return arguments.lose()
    pairs = zip(tensor.dims, times, strict=True)
    return Tensor(tuple(product([dim, known(size_of(time))]) for dim, time in pairs), lost=tensor.lost)


def _sized(arguments: Arguments) -> Value:
    place = arguments.number(1, "dim")
    return shape_of(arguments.tensor) if place is None else Number(arguments.tensor.dim(place))


def _viewed(arguments: Arguments) -> Value:
    sizes = list(arguments.given[1:])
    if "shape" in arguments.keywords:
        sizes = [arguments.keywords["shape"]]
    if len(sizes) == 1 and isinstance(sizes[0], Items):
        sizes = sizes[0].items
    if len(sizes) == 1 and isinstance(sizes[0], Shape):
        return sizes[0].tensor
    return reshape(arguments.facts, arguments.tensor, [size_of(size) for size in sizes])


def _flattening(arguments: Arguments) -> Value:
    start, end = arguments.number(1, "start_dim") or 0, arguments.number(2, "end_dim")
    return flattened(arguments.tensor, start, -1 if end is None else end)


def _pooling(arguments: Arguments) -> Value:
    count = int(arguments.name[-2])
    tensor = arguments.tensor.ranked(count + 2) if arguments.tensor.open else arguments.tensor
    if len(tensor.dims) < count:
        return arguments.lose()
    front, sides = tensor.dims[:-count], tensor.dims[-count:]
    if arguments.name.startswith("adaptive"):
        return Tensor(
            (*front, *adapted(arguments.get(1, "output_size"), count, tensor.dims)), lost=tensor.lost
        )
    kind = "MaxPool" if "max" in arguments.name else "AvgPool"
    named = dict(zip(POSITIONS[f"{kind}{count}d"], arguments.given[1:], strict=False))
    sides = pooled(arguments.facts, {**named, **arguments.keywords}, sides)
    return Tensor((*front, *sides), lost=tensor.lost)


def _resizing(arguments: Arguments) -> Value:
    front = arguments.tensor.ranked(4).dims[:2]
    return Tensor((*front, Opaque("lost"), Opaque("lost")))


def _multiplied(arguments: Arguments) -> Value:
    left, right = arguments.get(0), arguments.get(1)
    return multiply(arguments.facts, left or LOST, right or LOST)


def _attended(arguments: Arguments) -> Value:
    query, value = arguments.get(0, "query"), arguments.get(2, "value")
    if isinstance(query, Tensor) and isinstance(value, Tensor) and query.dims and value.dims:
        return Tensor((*query.dims[:-1], value.dims[-1]), query.open, query.lost)
    return arguments.lose()


def _top(arguments: Arguments) -> Value:
    tensor = Tensor(
        (*arguments.tensor.dims[:-1], known(size_of(arguments.get(1, "k")))), arguments.tensor.open
    )
    return Items([tensor, tensor], is_tuple=True)


def _one_hot(arguments: Arguments) -> Value:
    return Tensor(
        (*arguments.tensor.dims, known(size_of(arguments.get(1, "num_classes")))), arguments.tensor.open
    )


def _packed(arguments: Arguments) -> Value:
    return arguments.tensor


def _unpacked(arguments: Arguments) -> Value:
    return Items([arguments.tensor, LOST], is_tuple=True)


def _normed(arguments: Arguments) -> Value:
    shape = arguments.get(1, "normalized_shape")
    items = shape.items if isinstance(shape, Items) else [shape] if isinstance(shape, Number) else []
    for place, item in enumerate(reversed(items), 1):
        arguments.facts.equal(known(size_of(item)), arguments.tensor.dim(-place), "layer_norm")
    return arguments.tensor


_GROUPS: tuple[tuple[frozenset[str], Callable[[Arguments], Value]], ...] = (
    (_BROADCAST, _broadcasting),
    (_REDUCING, _reducing),
    (_MAKING, _making),
    (_SINKS, _sink),
)
_FUNCTIONS: Mapping[str, Callable[[Arguments], Value]] = {
    "cat": _joined,
    "concat": _joined,
    "concatenate": _joined,
    "hstack": _joined,
    "stack": _stacked,
    "unsqueeze": _unsqueezed,
    "squeeze": _squeezed,
    "permute": _permuted,
    "transpose": _transposed,
    "swapaxes": _transposed,
    "t": _transposed,
    "chunk": _split,
    "split": _split,
    "expand": _expanded,
    "repeat": _repeated,
    "size": _sized,
    "view": _viewed,
    "reshape": _viewed,
    "flatten": _flattening,
    "interpolate": _resizing,
    "upsample": _resizing,
    "matmul": _multiplied,
    "bmm": _multiplied,
    "mm": _multiplied,
    "scaled_dot_product_attention": _attended,
    "topk": _top,
    "one_hot": _one_hot,
    "pack_padded_sequence": _packed,
    "pad_packed_sequence": _unpacked,
    "layer_norm": _normed,
    **{
        f"{kind}_pool{sides}d": _pooling
        for kind in ("max", "avg", "adaptive_avg", "adaptive_max")
        for sides in (1, 2, 3)
    },
}
"""By the last part of the function's name."""
