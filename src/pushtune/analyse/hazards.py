"""What in a script would go wrong, or do harm, when it is run again and again by nobody."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator
from pathlib import Path

from pushtune.analyse.guards import is_conditional
from pushtune.analyse.reading import Called, Reading, values_of
from pushtune.model.analysis import Caution
from pushtune.source import Module

_READERS = (
    "pandas.read_csv", "pandas.read_excel", "pandas.read_table", "pandas.read_json", "pandas.read_parquet",
    "pandas.read_pickle", "pandas.read_hdf", "numpy.load", "numpy.loadtxt", "numpy.genfromtxt",
    "joblib.load", "builtins.open", "cv2.imread", "PIL.Image.open", "keras.models.load_model",
    "keras.utils.image_dataset_from_directory", "keras.preprocessing.image_dataset_from_directory",
    "keras.utils.text_dataset_from_directory", "torchvision.datasets.ImageFolder", "torch.load",
    "xgboost.DMatrix", "pandas.read_feather", "polars.read_csv", "scipy.io.loadmat", "h5py.File",
    "soundfile.read", "librosa.load", "numpy.fromfile", "pickle.load",
)  # fmt: skip
_READING_METHODS = ("flow_from_directory", "load_weights")
_PATH_KEYWORDS = ("file", "filename", "directory", "root", "io", "filepath_or_buffer", "fname", "data_dir")
_WRITING_METHODS = (
    "to_csv",
    "save",
    "savetxt",
    "savez",
    "dump",
    "savefig",
    "to_pickle",
    "save_weights",
    "save_binary",
    "save_model",
    "dump_model",
    "to_json",
    "to_parquet",
    "to_feather",
    "imwrite",
    "mkdir",
    "makedirs",
    "urlretrieve",
)
_PROMPTS = (
    "builtins.input",
    "getpass.getpass",
    "sys.stdin.readline",
    "sys.stdin.read",
    "sys.stdin.readlines",
)
_MESSAGES = (
    "smtplib.SMTP",
    "smtplib.SMTP_SSL",
    "requests.post",
    "urllib.request.urlopen",
    "twilio.rest.Client",
)
_WINDOWS = ("matplotlib.pyplot.show", "cv2.imshow", "pylab.show")
_DYNAMIC = ("builtins.exec", "builtins.globals", "builtins.eval")
_ALWAYS = frozenset((*dir(builtins), "__file__", "__path__", "get_ipython", "display"))


def missing_data(reading: Reading) -> Iterator[Caution]:
    """Data files named in the source that are not there."""
    written = {path for call in reading.calls if _writes(call) for path in _constants(call)}
    for call in reading.calls:
        if not (call.name in _READERS or call.method in _READING_METHODS) or _writes(call):
            continue
        if is_conditional(call.module, call.node) or _is_idle(reading, call):
            continue
        for path in _read_paths(call)[:1]:
            if path not in written and not _is_made(path, written) and not _exists(reading, path):
                where = "" if call.module is reading.program.entry else f"{call.module.path}: "
                text = f"{where}{call.last} reads {path!r}, which is not there"
                yield Caution("missing-data", call.line, f"{text}; put it there or mend the path")


def _is_idle(reading: Reading, call: Called) -> bool:
    """Whether it stands in a function of an imported file that nothing calls by its name."""
    if call.module is reading.program.entry:
        return False
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    names = [outer.name for outer in call.module.around(call.node) if isinstance(outer, functions)]
    return bool(names) and not any(other.last == names[-1] for other in reading.calls)


def _is_made(path: str, written: set[str]) -> bool:
    """Whether the script itself writes below ``path``, or above it."""
    return any(other.startswith(f"{path.rstrip('/')}/") or path.startswith(f"{other}/") for other in written)


def _read_paths(call: Called) -> list[str]:
    """Return the paths that a call reads, where they are written out: directly, in a constant, joined."""
    named = [k.value for k in call.node.keywords if k.arg and ("path" in k.arg or k.arg in _PATH_KEYWORDS)]
    found = [_path_of(call.module, item, 3) for item in (*call.node.args[:1], *named)]
    return [path for path in found if path]


def _path_of(module: Module, node: ast.expr, depth: int) -> str:
    """Return the path that an expression spells, or nothing."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.Name) and depth:
        values = list(values_of(module, node))
        found = module.scope_of(node).find(node.id)
        return (
            _path_of(module, values[0], depth - 1)
            if len(values) == 1 and found and len(found[1]) == 1
            else ""
        )
    parts: list[ast.expr] = []
    if isinstance(node, ast.Call) and ast.unparse(node.func) in (
        "os.path.join",
        "Path",
        "pathlib.Path",
        "str",
    ):
        parts = list(node.args)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Div)):
        parts = [node.left, node.right]
    texts = [_path_of(module, part, depth - 1) for part in parts] if depth else []
    if not texts or not all(texts):
        return ""
    return "".join(texts) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) else "/".join(texts)


def _writes(call: Called) -> bool:
    if call.name == "builtins.open":
        mode = call.argument(1, "mode")
        return isinstance(mode, ast.Constant) and any(letter in str(mode.value) for letter in "wax")
    return call.method in _WRITING_METHODS


def _constants(call: Called) -> list[str]:
    """Return the strings among the arguments that come first or are a path by name."""
    named = [k.value for k in call.node.keywords if k.arg and ("path" in k.arg or "file" in k.arg)]
    items = [*call.node.args[:2], *named]
    return [i.value for i in items if isinstance(i, ast.Constant) and isinstance(i.value, str) and i.value]


def written_outside(reading: Reading) -> Iterator[Caution]:
    """Writing to a place that all trials share."""
    for call in reading.calls:
        for path in _constants(call)[:1] if _writes(call) else ():
            if path.startswith(("/", "../")) and not path.startswith("/tmp/"):  # noqa: S108 - only looked at
                text = f"{call.last} writes {path!r}, outside the script's folder"
                yield Caution("writes-outside", call.line, f"{text}: trials would overwrite each other's")


def messages(reading: Reading) -> Iterator[Caution]:
    """Mails and web requests, which every trial would send again."""
    for call in reading.calls:
        if call.name in _MESSAGES:
            yield Caution("sends-messages", call.line, f"every trial would send something here ({call.name})")
            return


def undefined(reading: Reading) -> Iterator[Caution]:
    """A name that nothing binds ends the run, often after the training. Star imports may bind anything.

    Not in a function that nothing calls: it is wrong, and harms nobody.
    """
    for module in reading.program.modules:
        if any(scope.stars for scope in module.scopes.values()) or _runs_text(reading, module):
            continue
        known = set(_ALWAYS)
        for node in module.parents:
            if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
                continue
            if any(isinstance(outer, ast.Try) for outer in module.around(node)):
                continue
            if node.id in known or module.scope_of(node).find(node.id) is not None:
                continue
            if reading.callers.reached(module, node):
                known.add(node.id)
                yield _undefined(module, node)


def _undefined(module: Module, node: ast.Name) -> Caution:
    text = f"{node.id} is not defined anywhere: the run would fail here"
    if module.is_entry:
        return Caution("undefined-name", node.lineno, text)
    return Caution("undefined-name", 0, f"{module.path} line {node.lineno}: {text}")


def _runs_text(reading: Reading, module: Module) -> bool:
    """Whether the file runs code that is not in it, which may define anything."""
    return any(call.module is module and call.name in _DYNAMIC for call in reading.calls)


def _exists(reading: Reading, path: str) -> bool:
    if "://" in path or path.startswith(("~", "gs:", "s3:")) or "\n" in path:
        return True
    script = reading.program.script
    places = (Path(script.root) / script.workdir, Path(script.root) / Path(script.entry).parent)
    return any((place / path).exists() for place in places)


def prompts(reading: Reading) -> Iterator[Caution]:
    """Questions to somebody at a keyboard."""
    for call in reading.calls:
        if call.name in _PROMPTS:
            text = "the script asks for input; a trial has nobody to answer, and would fail here"
            yield Caution("asks-input", call.line, f"{text}: give the value as an argument")
            return


def windows(reading: Reading) -> Iterator[Caution]:
    """Windows on a screen."""
    for call in reading.calls:
        if call.name in _WINDOWS:
            harm = "harmless: no window opens in a trial" if "show" in call.last else "a trial has no screen"
            yield Caution("opens-window", call.line, f"{call.last} opens a window ({harm})")
            return


HAZARDS: tuple[Callable[[Reading], Iterator[Caution]], ...] = (
    undefined,
    missing_data,
    prompts,
    messages,
    written_outside,
    windows,
)
"""All of them, the gravest first."""
