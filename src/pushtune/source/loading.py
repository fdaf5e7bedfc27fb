"""A script with everything that belongs to it: its modules, and the configuration files that it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pushtune.model.analysis import Script, ScriptFile
from pushtune.source.documents import LARGEST, read_document
from pushtune.source.names import Names, Vocabulary
from pushtune.source.program import parse_program
from pushtune.source.script import read_script
from pushtune.source.tracing import Tracer
from pushtune.source.tracing.groups import group_files
from pushtune.source.tracing.paths import paths_read

_HINTS = re.compile(rb"yaml|json|toml|hydra|omegaconf|configparser", re.IGNORECASE)
"""What a script that reads configuration mentions; others need not be traced for it."""


def load_script(
    path: Path, args: Sequence[str] = (), workdir: Path | None = None, root: Path | None = None
) -> Script:
    """Read the program that starts at ``path``, with the configuration files that it reads; nothing is run.

    See ``read_script``. A configuration file belongs to the script if its path can be told from the
    source, and it lies below the root, is small, and is plain enough to be edited by place.
    """
    script = read_script(path, args, workdir, root)
    if not any(_HINTS.search(file.data) for file in script.files):
        return script
    return replace(script, files=(*script.files, *_documents(script)))


def _documents(script: Script) -> Iterator[ScriptFile]:
    tracer = Tracer(Names(parse_program(script), Vocabulary()))
    known = {file.path for file in script.files}
    waiting = sorted(set(paths_read(tracer)) - known)
    while waiting:
        path = waiting.pop(0)
        known.add(path)
        file = _read(Path(script.root), path)
        document = read_document(file) if file is not None else None
        if file is not None and document is not None:
            yield file
            waiting += sorted({other for _, other in group_files(document)} - known - set(waiting))


def _read(root: Path, path: str) -> ScriptFile | None:
    place = root / path
    try:
        usable = place.is_file() and place.resolve().is_relative_to(root.resolve())
        if not usable or place.stat().st_size > LARGEST:
            return None
        return ScriptFile(path, place.read_bytes())
    except OSError:
        return None  # as though it were not there: the run will tell
