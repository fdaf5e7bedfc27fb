"""Paths of configuration files that can be told without running the script, relative to its root."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterator

from pushtune.source.program import Module
from pushtune.source.tracing.base import Follower, Hop
from pushtune.source.tracing.literals import literal_value

_PARSERS = (
    "yaml.safe_load", "yaml.load", "yaml.full_load", "yaml.unsafe_load", "json.load", "json.loads",
    "tomllib.load", "tomllib.loads", "tomli.load", "tomli.loads", "toml.load", "toml.loads",
    "omegaconf.OmegaConf.load", "munch.munchify", "commentjson.load",
)  # fmt: skip
_SUFFIXES = (".yaml", ".yml", ".json", ".toml")
_INI = (".ini", ".cfg")
_INI_PARSERS = tuple(f"configparser.{kind}ConfigParser" for kind in ("", "Raw", "Safe"))
_OPENERS = ("builtins.open", "io.open", "codecs.open")
_DEPTH = 8


def paths_read(tracer: Follower) -> Iterator[str]:
    """Yield the paths of all configuration files that the program reads, and does not write itself."""
    written = set(_written(tracer))
    for module in tracer.program.modules:
        for call in module.calls:
            path = document_path(tracer, module, call, _DEPTH)
            if path is None and tracer.names.call(module, call) == "hydra.main":
                path = hydra_path(module, call)
            if path is not None and path not in written:
                yield path
    yield from (path for path in ini_paths(tracer) if path not in written)


def ini_paths(tracer: Follower) -> Iterator[str]:
    """Yield the paths of the files that ``parser.read("config.ini")`` reads, of any ``ConfigParser``."""
    for module in tracer.program.modules:
        for method in ("read", "read_file"):
            for call in module.called.get(method, ()):
                if (
                    call.args
                    and isinstance(call.func, ast.Attribute)
                    and _is_ini(tracer, module, call.func.value)
                ):
                    node = call.args[0]
                    listed = node.elts if isinstance(node, (ast.List, ast.Tuple)) else [node]
                    for item in listed:
                        found = _opened(tracer, module, item, _DEPTH)
                        yield from (path for path in found if path.endswith(_INI))


def is_ini_parser(tracer: Follower, module: Module, node: ast.Call) -> bool:
    """Whether ``node`` makes a parser of INI files."""
    return tracer.names.call(module, node) in _INI_PARSERS


def _is_ini(tracer: Follower, module: Module, node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return is_ini_parser(tracer, module, node)
    found = module.scope_of(node).find(node.id) if isinstance(node, ast.Name) else None
    return found is not None and any(
        isinstance(binding.value, ast.Call) and is_ini_parser(tracer, module, binding.value)
        for binding in found[1]
    )


def _written(tracer: Follower) -> Iterator[str]:
    for module in tracer.program.modules:
        for call in module.calls:
            if tracer.names.call(module, call) in _OPENERS and call.args and _mode(call, 1)[:1] in "wax":
                path = path_value(tracer, module, call.args[0], _DEPTH)
                if path is not None:
                    yield path


def document_path(tracer: Follower, module: Module, node: ast.Call, depth: int) -> str | None:
    """Return the path of the file that ``yaml.safe_load(open("config.yaml"))`` and the like read."""
    name = tracer.names.call(module, node)
    if name not in _PARSERS or not node.args or depth <= 0:
        return None
    found = set(_opened(tracer, module, node.args[0], _DEPTH))
    path = found.pop() if len(found) == 1 else None
    return path if path is not None and path.endswith(_SUFFIXES) else None


def hydra_path(module: Module, decorator: ast.Call) -> str | None:
    """Return the path of ``@hydra.main(config_path="conf", config_name="config")``'s file."""
    given = {keyword.arg: literal_value(keyword.value) for keyword in decorator.keywords}
    folder, name = given.get("config_path"), given.get("config_name")
    if name is None or not isinstance(name[0], str):
        return None
    inside = folder[0] if folder is not None and isinstance(folder[0], str) else ""
    stem = name[0] if name[0].endswith(_SUFFIXES) else f"{name[0]}.yaml"
    return _clean(posixpath.join(posixpath.dirname(module.path), inside, stem))


def _opened(tracer: Follower, module: Module, node: ast.expr, left: int) -> Iterator[str]:
    """Yield the paths of the files whose content, or whose open handle, ``node`` may be."""
    if left == 0:
        return
    if isinstance(node, ast.Name):
        item = _with_item(module, node)
        if item is not None:
            yield from _opened(tracer, module, item, left - 1)
            return
    for end in tracer.follow(module, node, Hop(), left):
        if isinstance(end.node, ast.Call) and end.node is not node:
            yield from _opened(tracer, end.module, end.node, left - 1)
        else:
            yield from _path_of_call(tracer, end.module, end.node, left - 1)


def _path_of_call(tracer: Follower, module: Module, node: ast.expr, left: int) -> Iterator[str]:
    if not isinstance(node, ast.Call):
        path = path_value(tracer, module, node, left)
        if path is not None:
            yield path
        return
    called = getattr(node.func, "attr", "")
    if tracer.names.call(module, node) in _OPENERS and node.args:
        if _mode(node, 1).startswith("r"):
            path = path_value(tracer, module, node.args[0], left)
            if path is not None:
                yield path
    elif called in ("open", "read_text", "read_bytes") and isinstance(node.func, ast.Attribute):
        path = path_value(tracer, module, node.func.value, left)
        if path is not None and _mode(node, 0).startswith("r"):
            yield path
    elif called == "read" and isinstance(node.func, ast.Attribute):
        yield from _opened(tracer, module, node.func.value, left)


def _mode(node: ast.Call, place: int) -> str:
    given = [*node.args[place : place + 1], *(k.value for k in node.keywords if k.arg == "mode")]
    value = literal_value(given[0]) if given else None
    return str(value[0]) if value is not None else "r"


def _with_item(module: Module, node: ast.Name) -> ast.expr | None:
    """Return what ``with … as name`` around ``node`` binds the name to."""
    for outer in module.around(node):
        if isinstance(outer, (ast.With, ast.AsyncWith)):
            for item in outer.items:
                if isinstance(item.optional_vars, ast.Name) and item.optional_vars.id == node.id:
                    return item.context_expr
    return None


def path_value(tracer: Follower, module: Module, node: ast.expr, left: int) -> str | None:
    """Return the path that ``node`` means, relative to the script's root; None if it lies elsewhere."""
    found = _evaluated(tracer, module, node, left)
    if found is None:
        return None
    anchored, text = found
    if posixpath.isabs(text):
        return None
    return _clean(text if anchored else posixpath.join(tracer.program.script.workdir, text))


def _clean(path: str) -> str | None:
    path = posixpath.normpath(path)
    return None if path.startswith("..") or posixpath.isabs(path) else path


def _evaluated(tracer: Follower, module: Module, node: ast.expr, left: int) -> tuple[bool, str] | None:
    """Return a path, and whether it counts from the script's root (``__file__``) or from where it starts."""
    if left <= 0:
        return None
    if isinstance(node, ast.Name) and node.id == "__file__":
        return True, module.path
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Div, ast.Add)):
        return _put_together(tracer, module, [node.left, node.right], node.op, left)
    if isinstance(node, ast.Attribute) and node.attr == "parent":
        inner = _evaluated(tracer, module, node.value, left - 1)
        return (inner[0], posixpath.dirname(inner[1])) if inner is not None else None
    if isinstance(node, ast.Call):
        return _computed(tracer, module, node, left)
    given = _given(tracer, node)
    if given is not None:
        return False, given
    ends = list(tracer.follow(module, node, Hop(), left))
    if not ends and isinstance(node, ast.Name):
        return _constant(tracer, module, node, left)
    if len(ends) != 1:
        return None
    value = literal_value(ends[0].node)
    if value is not None:
        return (False, value[0]) if isinstance(value[0], str) else None
    return _evaluated(tracer, ends[0].module, ends[0].node, left - 1) if ends[0].node is not node else None


def _constant(tracer: Follower, module: Module, node: ast.Name, left: int) -> tuple[bool, str] | None:
    """Return the path that a name means that is bound once: ``HERE = Path(__file__).parent``."""
    found = module.scope_of(node).find(node.id)
    binding = found[1][0] if found is not None and len(found[1]) == 1 else None
    if binding is None or binding.kind != "assign" or binding.value is None:
        return None
    return _evaluated(tracer, module, binding.value, left - 1)


def _given(tracer: Follower, node: ast.expr) -> str | None:
    """Return the value that the command line gives to ``args.name``, or as ``sys.argv[1]``."""
    args = tracer.program.script.args
    if isinstance(node, ast.Attribute):
        flag = f"--{node.attr}".replace("_", "-")
        for place, argument in enumerate(args):
            name, _, value = argument.partition("=")
            if name.replace("_", "-") == flag:
                return value or next(iter(args[place + 1 : place + 2]), None)
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "sys.argv":
        number = literal_value(node.slice)
        if number is not None and isinstance(number[0], int) and 0 < number[0] <= len(args):
            return args[number[0] - 1]
    return None


def _put_together(
    tracer: Follower, module: Module, parts: list[ast.expr], op: ast.operator, left: int
) -> tuple[bool, str] | None:
    pieces = [_evaluated(tracer, module, part, left - 1) for part in parts]
    known = [piece for piece in pieces if piece is not None]
    if len(known) != len(pieces) or not known:
        return None
    texts = [text for _, text in known]
    return known[0][0], "".join(texts) if isinstance(op, ast.Add) else posixpath.join(*texts)


def _computed(tracer: Follower, module: Module, node: ast.Call, left: int) -> tuple[bool, str] | None:
    name = tracer.names.call(module, node) or ""
    if name in ("os.path.join", "pathlib.Path", "pathlib.PurePath") and node.args:
        return _put_together(tracer, module, node.args, ast.Div(), left)
    inner = node.args[0] if node.args else None
    if (
        name in ("os.path.dirname", "os.path.abspath", "os.path.realpath", "builtins.str", "os.fspath")
        and inner
    ):
        found = _evaluated(tracer, module, inner, left - 1)
        if found is None or name != "os.path.dirname":
            return found
        return found[0], posixpath.dirname(found[1])
    called = node.func
    if isinstance(called, ast.Attribute) and called.attr in ("resolve", "absolute", "expanduser", "as_posix"):
        return _evaluated(tracer, module, called.value, left - 1)
    if isinstance(called, ast.Attribute) and called.attr == "joinpath":
        return _put_together(tracer, module, [called.value, *node.args], ast.Div(), left)
    return None
