"""What expressions of PyTorch code stand for while a model is read: sizes, tensors, layers, objects."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from pushtune.rewrite.torch.sizes import Opaque, Size
from pushtune.source import Module


@dataclass(frozen=True, eq=False)
class Lost:
    """A value that reading cannot follow."""


@dataclass(frozen=True)
class Plain:
    """A value that is no size: a string, a truth, a fraction, None."""

    value: object


@dataclass(frozen=True)
class Number:
    """A whole number."""

    size: Size


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor with its last dimensions; ``open`` says that there may be more in front of them.

    ``source`` tells where dimensions that are not listed come from.
    """

    dims: tuple[Size, ...]
    open: bool = False
    lost: bool = False

    def dim(self, number: int) -> Size:
        """Return one dimension, counted from the front or (negative) from the back."""
        if number < 0 and -number <= len(self.dims):
            return self.dims[number]
        if not self.open and 0 <= number < len(self.dims):
            return self.dims[number]
        return Opaque("lost" if self.lost else "data")

    def ranked(self, rank: int) -> Tensor:
        """Return the tensor with ``rank`` dimensions, unknown ones in front."""
        if not self.open and len(self.dims) == rank:
            return self
        known = self.dims[len(self.dims) - rank :] if len(self.dims) > rank else self.dims
        kind = "lost" if self.lost or (not self.open and len(self.dims) != rank) else "data"
        more: tuple[Size, ...] = tuple(Opaque(kind) for _ in range(rank - len(known)))  # type: ignore[arg-type]
        return Tensor((*more, *known), lost=self.lost)


@dataclass(frozen=True, eq=False)
class Shape:
    """``x.shape`` of a tensor whose number of dimensions is open."""

    tensor: Tensor


@dataclass(eq=False)
class Items:
    """A list or a tuple; filled by ``append`` while the code is read."""

    items: list[Value]
    is_tuple: bool = False


@dataclass(eq=False)
class Table:
    """A dictionary; ``splat`` says that it may hold more than is listed."""

    items: dict[object, Value]
    splat: bool = False


@dataclass(frozen=True)
class External:
    """Something of a library, by its full name: ``torch.nn.functional.relu``."""

    name: str


@dataclass(frozen=True, eq=False)
class Function:
    """A function of the program; ``owner`` is the object that it was taken from, ``home`` its class."""

    module: Module
    node: ast.FunctionDef | ast.Lambda
    owner: Value | None = None
    home: ast.ClassDef | None = None
    closure: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Class:
    """A class of the program."""

    module: Module
    node: ast.ClassDef


@dataclass(eq=False)
class Object:
    """An object of a class of the program. ``is_network`` for subclasses of ``torch.nn.Module``."""

    module: Module
    node: ast.ClassDef
    is_network: bool
    attributes: dict[str, Value] = field(default_factory=dict)
    path: str | None = None


@dataclass(eq=False)
class Layer:
    """A layer of ``torch.nn`` with its arguments by name. ``path`` is its dotted name in the model."""

    name: str
    module: Module
    call: ast.Call
    arguments: dict[str, Value]
    nodes: dict[str, ast.expr]
    path: str | None = None

    @property
    def kind(self) -> str:
        """The last part of the name: ``Conv2d``."""
        return self.name.rpartition(".")[2]


@dataclass(eq=False)
class Container:
    """A ``Sequential``, ``ModuleList`` or ``ModuleDict`` with what it holds by name."""

    kind: str
    items: dict[str, Value]
    path: str | None = None
    lost: bool = False


@dataclass(frozen=True, eq=False)
class Method:
    """A method of a value that is no object of the program: ``x.view``, ``layers.append``."""

    owner: Value
    name: str


@dataclass(frozen=True, eq=False)
class Super:
    """``super()`` inside a method of ``home``."""

    owner: Object
    home: ast.ClassDef


Value = (
    Lost | Plain | Number | Tensor | Shape | Items | Table | External | Function | Class | Object | Layer
    | Container | Method | Super
)  # fmt: skip

LOST = Lost()
NONE = Plain(None)
DATA = Tensor((), open=True)
UNTRACED = Tensor((), open=True, lost=True)
