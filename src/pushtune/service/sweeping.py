"""What earlier programs have left of containers that nobody comes back to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from pushtune.environment.container_runtime import ContainerRuntime
from pushtune.environment.engines import ENGINES, Engine, find_engine
from pushtune.errors import MachineError
from pushtune.ledger import Ledger


def answering() -> list[Engine]:
    """Return the engines of this machine that answer."""
    found = []
    for name in ENGINES:
        try:
            found.append(find_engine(name))
        except MachineError:
            continue
    return found


def sweep(home: Path, ledger: Ledger, engines: Iterable[Engine], tell: Callable[[str], None]) -> None:
    """Remove the containers of a server's home but those of attempts that are open in its ledger.

    Open ones are found again by their pushes. What is left are tweak programs and downloads that a killed
    server had begun, which are begun anew, and attempts that were written off. For whoever holds the home.
    """
    keep = ledger.studies.open_labels()
    for engine in engines:
        try:
            for label in ContainerRuntime(engine, str(home)).sweep(keep):
                tell(f"removed the container of {label}, which an earlier server has left")
        except MachineError as error:
            # Whatever needs the engine says so itself; what is left is swept by the next server.
            tell(f"what an earlier server has left could not be looked for: {error}")
