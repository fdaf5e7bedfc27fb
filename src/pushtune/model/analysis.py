"""What was read from a script before anything ran: the records behind ``pushtune inspect``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

from pushtune.model.space import Domain, Space, Value

Style = Literal["literal", "constant", "argparse", "dict", "default", "config", "implicit"]
Direction = Literal["max", "min"]
Split = Literal["train", "validation", "test", "unknown"]

COMMAND_LINE = "--args"
"""What stands as the file of a span that lies in the script's arguments, written as a shell reads them."""


@dataclass(frozen=True, order=True)
class Span:
    """A piece of one file. Lines count from 1, columns from 0 **in characters** of the decoded text.

    The end is exclusive. ``file`` is relative to the script's root, with forward slashes; it is
    ``COMMAND_LINE`` for a piece of ``shlex.join(script.args)``.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def as_list(self) -> list[int]:
        """Return ``[line, column, end_line, end_column]``."""
        return [self.line, self.column, self.end_line, self.end_column]


@dataclass(frozen=True)
class Edit:
    """Replace the text of ``span`` by ``text``; an empty span inserts."""

    span: Span
    text: str


@dataclass(frozen=True)
class ScriptFile:
    """One source file as it stands on disk. ``path`` is relative to the script's root."""

    path: str
    data: bytes


@dataclass(frozen=True)
class Script:
    """A training program as its author wrote it.

    ``root`` is the absolute folder that holds it (the git repository, or the script's own folder);
    ``entry`` the entry file's path below it; ``files`` the entry file first, then the local modules it
    imports, directly or not; ``workdir`` the folder below ``root`` where it is started (``"."`` for root).
    """

    root: str
    entry: str
    files: tuple[ScriptFile, ...]
    args: tuple[str, ...] = ()
    workdir: str = "."

    def file(self, path: str) -> ScriptFile:
        """Return the file called ``path``; ``KeyError`` if it is not part of the script."""
        for file in self.files:
            if file.path == path:
                return file
        raise KeyError(path)

    @property
    def name(self) -> str:
        """The entry file's name."""
        return PurePosixPath(self.entry).name


@dataclass(frozen=True)
class Candidate:
    """An assignment applied: every file of the script, rewritten where a knob or a move asked for it.

    ``edits`` are the replacements made, on the author's text, sorted and disjoint; ``diff`` is a unified
    diff from the author's files that ``git apply`` accepts at the script's root (empty for the baseline).
    ``args`` are the arguments that it is started with: a value given there is changed there, and no
    diff shows it.
    """

    files: tuple[ScriptFile, ...]
    edits: tuple[Edit, ...]
    diff: str
    args: tuple[str, ...] = ()


@dataclass(frozen=True)
class LayerShape:
    """One layer as the baseline built it: its dotted name (``fc1``), its class, its shapes.

    Shapes are what its first call was given and gave, batch first; empty where nobody can say.
    """

    name: str
    type: str
    input_shape: tuple[int, ...] = ()
    output_shape: tuple[int, ...] = ()


@dataclass(frozen=True)
class Observed:
    """What only a run can tell, read from the baseline: layer shapes, and which watched places were reached.

    ``reached`` holds the watched spans that were evaluated; None where the probe could not watch.
    """

    layers: tuple[LayerShape, ...] = ()
    reached: frozenset[Span] | None = None


@dataclass(frozen=True)
class Evidence:
    """One line of the source that shows what the script is, and why it does."""

    file: str
    line: int
    text: str
    why: str


@dataclass(frozen=True)
class Knob:
    """One tunable value in the source, as it is shown. How it is applied is the rewriter's.

    ``certain`` is false where only a run can show that the value is used.
    """

    name: str
    role: str
    file: str
    line: int
    value: Value
    style: Style
    domain: Domain
    spans: tuple[Span, ...]
    tied_to: tuple[str, ...] = ()
    certain: bool = True


@dataclass(frozen=True)
class Move:
    """One structural edit on offer. ``name`` is also the name of its parameter in the space."""

    name: str
    file: str
    line: int
    what: str


@dataclass(frozen=True)
class MetricGuess:
    """What the script seems to report, where, on which data, and which way is better."""

    name: str
    source: str
    split: Split
    direction: Direction
    line: int = 0


@dataclass(frozen=True)
class Requirement:
    """One import that is not the standard library's, and the distribution that brings it.

    ``certain`` is false where the name is not in the curated map; such a name is never installed.
    """

    module: str
    distribution: str
    certain: bool


@dataclass(frozen=True)
class Caution:
    """Something the author should know; ``code`` is stable, ``line`` is 0 where there is none."""

    code: str
    line: int
    text: str


@dataclass(frozen=True)
class Analysis:
    """All that reading the source can tell. ``kind`` is ``"unknown"`` where it cannot.

    ``loops`` are the epoch loops written by hand, each a file and the number of the loop in it; ``places``
    the calls that read the knobs: the baseline shows which of them are reached; ``images`` the shapes of
    images that a Keras network declares to take, batch left off, empty where they cannot be told.
    """

    script: str
    framework: str
    kind: str
    evidence: tuple[Evidence, ...]
    knobs: tuple[Knob, ...]
    moves: tuple[Move, ...]
    metric: MetricGuess | None
    requirements: tuple[Requirement, ...]
    warnings: tuple[Caution, ...]
    space: Space
    loops: tuple[tuple[str, int], ...] = ()
    places: tuple[Span, ...] = ()
    images: tuple[tuple[int, ...], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the documented form that ``pushtune inspect --json`` prints (see docs/reference)."""
        return {
            "script": self.script,
            "framework": self.framework,
            "kind": self.kind,
            "evidence": [vars(item) for item in self.evidence],
            "knobs": [_knob_json(knob) for knob in self.knobs],
            "moves": [vars(move) for move in self.moves],
            "metric": None if self.metric is None else vars(self.metric),
            "requirements": [
                {"import": item.module, "distribution": item.distribution, "certain": item.certain}
                for item in self.requirements
            ],
            "warnings": [vars(item) for item in self.warnings],
        }


def _knob_json(knob: Knob) -> dict[str, Any]:
    return {
        "name": knob.name,
        "role": knob.role,
        "file": knob.file,
        "line": knob.line,
        "value": knob.value,
        "style": knob.style,
        "domain": {
            "type": knob.domain.type,
            "low": knob.domain.low,
            "high": knob.domain.high,
            "log": knob.domain.log,
            "choices": list(knob.domain.choices),
        },
        "spans": [span.as_list() for span in knob.spans],
        "tied_to": list(knob.tied_to),
        "certain": knob.certain,
    }
