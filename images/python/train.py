"""Train what is mounted at /train, and say the metric: what `docker run -v REPO:/train IMAGE` does.

`docker run … IMAGE python other.py` runs that instead; arguments that are no program are the script's.
Standard library only; Python 3.9 and later.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile

PLACE = os.environ.get("PUSHTUNE_TRAIN", "/train")
FRAMEWORKS = {"keras", "tensorflow", "sklearn", "torch", "xgboost", "lightgbm", "lightning",
              "pytorch_lightning", "transformers", "catboost", "tf_keras", "jax", "flax"}  # fmt: skip
TRAINING = {"fit", "fit_generator", "train_on_batch", "backward", "cross_val_score", "cross_validate",
            "GradientTape", "train"}  # fmt: skip
LARGEST = 1_000_000
NUMBER = r"(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*(%?)"
METRIC = re.compile(
    r"(?i)\b((?:val|test|validation)?[_ ]?(?:accuracy|acc|auc|f1(?:[- _]?score)?|r2|score|precision|recall|"
    r"loss|error|rmse|mse|mae))\b[^-+\d\n]{0,20}" + NUMBER
)


def main(words):
    """Run the program that is named, else the script with ``words``; return its exit status."""
    if words and not words[0].startswith("-") and shutil.which(words[0]):
        os.execvp(words[0], words)
    script, words = _script(words)
    folder = _writable(PLACE)
    print("training %s" % script, flush=True)
    metric = None
    with subprocess.Popen(
        [sys.executable, script, *words], cwd=folder, stdout=subprocess.PIPE, errors="replace"
    ) as process:
        for line in process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            metric = _metric(line) or metric
    if process.returncode == 0 and metric:
        print("metric: %s = %s" % metric)
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def _script(words):
    """Return the script to run, and its arguments: the one that is named, or the one that trains."""
    if words and words[0].endswith(".py"):
        return words[0], words[1:]
    named = _setting()
    if named:
        return named, words
    files = sorted(_files())
    if len(files) == 1:
        return files[0], words
    rated = sorted(((_rate(path), path) for path in files), key=lambda item: (-item[0], item[1]))
    if not rated or rated[0][0] <= 0:
        sys.exit("there is no Python file that trains in %s: mount a repository there" % PLACE)
    best = [path for rate, path in rated if rate == rated[0][0]]
    if len(best) > 1:
        sys.exit("several files could be the training script: %s (name one)" % ", ".join(best[:4]))
    return best[0], words


def _setting():
    """Return what `script = "…"` in pushtune.toml says. Not every Python that this runs on reads TOML."""
    try:
        with open(os.path.join(PLACE, "pushtune.toml"), encoding="utf-8") as stream:
            match = re.search(r"(?m)^script\s*=\s*[\"']([^\"'\n]+)[\"']", stream.read().split("\n[")[0])
    except OSError:
        return None
    return match.group(1) if match else None


def _files():
    for folder, folders, names in os.walk(PLACE):
        depth = os.path.relpath(folder, PLACE).count(os.sep)
        folders[:] = (
            [] if depth >= 2 else [name for name in folders if not name.startswith((".", "__", "test"))]
        )
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith(".py") and not os.path.islink(path) and os.path.getsize(path) <= LARGEST:
                yield os.path.relpath(path, PLACE)


def _rate(path):
    """Return how likely it is the script; 0 or less: not at all."""
    try:
        with open(os.path.join(PLACE, path), "rb") as stream:
            tree = ast.parse(stream.read())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return 0
    called = {getattr(node.func, "attr", getattr(node.func, "id", "")) for node in ast.walk(tree)
              if isinstance(node, ast.Call)}  # fmt: skip
    imported = {alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import)
                for alias in node.names}  # fmt: skip
    imported |= {
        (node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
    }
    if not (called & TRAINING and imported & FRAMEWORKS):
        return 0
    stem = os.path.splitext(os.path.basename(path))[0].lower()
    named = 4 if stem.startswith("train") else 3 if "train" in stem or stem == "main" else 1
    other = any(word in stem for word in ("test", "eval", "predict", "util", "plot", "tweak", "serve"))
    return 10 + named - 6 * other - path.count(os.sep)


def _writable(place):
    """Return a folder to train in: the mounted one, or, where it cannot be written, links to all in it."""
    if os.access(place, os.W_OK):
        return place
    folder = tempfile.mkdtemp(prefix="train-")
    for name in os.listdir(place):
        os.symlink(os.path.join(place, name), os.path.join(folder, name))
    return folder


def _metric(line):
    found = None
    for match in METRIC.finditer(line):
        found = (match.group(1).strip().lower(), match.group(2) + match.group(3))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
