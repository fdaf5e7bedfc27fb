"""What a script downloads that is not on this machine yet (``tables/preflight.toml``)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from pushtune.analyse.guards import is_conditional
from pushtune.analyse.reading import Called, Reading, values_of
from pushtune.analyse.tables import table
from pushtune.model.analysis import Caution

_TORCHVISION = "torchvision.datasets."
_FOLDERS = {
    "CIFAR10": "cifar-10-batches-py",
    "CIFAR100": "cifar-100-python",
    "STL10": "stl10_binary",
    "SVHN": "",
}
_WEB = ("http://", "https://", "ftp://")
_ONCE = "run it once with network"


def needs_network(reading: Reading) -> Iterator[Caution]:
    """Yield one caution for each thing that is downloaded and not kept here, where it is first."""
    told: set[str] = set()
    for call in reading.calls:
        if is_conditional(call.module, call.node):
            continue
        text = _listed(call) or _torchvision(reading, call) or _pretrained(reading, call) or _from_web(call)
        if text and text not in told:
            told.add(text)
            yield Caution("needs-network", call.line, text)


def _listed(call: Called) -> str:
    row: list[str] | None = table("preflight")["downloads"].get(call.name)
    if row is None:
        return ""
    what, *places = row
    paths = [Path.home() / place for place in places]
    if any(path.exists() for path in paths):
        return ""
    where = f", or put it into {_shown(paths[0])}" if paths else ""
    return f"{call.last} downloads {what}, which is not here yet: {_ONCE}{where}"


def _torchvision(reading: Reading, call: Called) -> str:
    if not call.name.startswith(_TORCHVISION):
        return ""
    download, root = call.argument(-1, "download"), _text_of(call, call.argument(0, "root"))
    if not (isinstance(download, ast.Constant) and download.value is True) or root is None:
        return ""
    kind = call.name[len(_TORCHVISION) :]
    folder = _folder(reading, root) / _FOLDERS.get(kind, f"{kind}/raw")
    if folder.is_dir() and any(folder.iterdir()):
        return ""
    return f"{kind} is downloaded into {root}, and is not there yet: {_ONCE}, or put it there"


def _folder(reading: Reading, root: str) -> Path:
    script = reading.program.script
    return Path(script.root) / script.workdir / Path(root).expanduser()


def _pretrained(reading: Reading, call: Called) -> str:
    """Weights of keras.applications, of torchvision's models, and of models on the Hugging Face hub."""
    home = Path.home()
    if call.name.startswith("keras.applications.") and call.last[:1].isupper():
        weights = call.argument(-1, "weights")
        imagenet = weights is None or (isinstance(weights, ast.Constant) and weights.value == "imagenet")
        kept = home / ".keras/models"
        return f"{call.last} downloads its weights: {_ONCE}" if imagenet and not _has_files(kept) else ""
    if call.name.startswith("torchvision.models."):
        weights = call.argument(-1, "weights", "pretrained")
        wanted = weights is not None and ast.unparse(weights) not in ("None", "False")
        kept = home / ".cache/torch/hub/checkpoints"
        return f"{call.last} downloads its weights: {_ONCE}" if wanted and not _has_files(kept) else ""
    if call.method == "from_pretrained":
        return _on_hub(reading, call, home)
    return ""


def _on_hub(reading: Reading, call: Called, home: Path) -> str:
    name = _text_of(call, call.argument(0, "pretrained_model_name_or_path"))
    if name is None or name.startswith((".", "/", "~")) or _folder(reading, name).exists():
        return ""
    kept = home / ".cache/huggingface/hub" / f"models--{name.replace('/', '--')}"
    if kept.exists():
        return ""
    return f"{name} is downloaded from the hub: {_ONCE}, which keeps it in {_shown(kept.parent)}"


def _from_web(call: Called) -> str:
    """``pandas.read_csv("https://…")`` and ``get_file(origin="https://…")``."""
    if not call.name.startswith(
        ("pandas.read_", "keras.utils.get_file", "numpy.loadtxt", "numpy.genfromtxt")
    ):
        return ""
    given = [*call.node.args, *(keyword.value for keyword in call.node.keywords)]
    for text in (_text_of(call, item) for item in given):
        if text is not None and text.startswith(_WEB):
            return (
                f"{call.last} reads {text}: it needs the network each time; a copy beside the script does not"
            )
    return ""


def _text_of(call: Called, value: ast.expr | None) -> str | None:
    for found in (value, *values_of(call.module, value)):
        if isinstance(found, ast.Constant) and isinstance(found.value, str):
            return found.value
    return None


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _shown(path: Path) -> str:
    return str(path).replace(str(Path.home()), "~", 1)
