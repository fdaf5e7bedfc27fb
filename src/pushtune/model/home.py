"""Where things lie in the home folder of a server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pushtune.model.states import StageName


@dataclass(frozen=True)
class Home:
    """The folder that one server owns. Nothing is made here; the paths are only told."""

    path: Path

    @property
    def ledger(self) -> Path:
        """The database."""
        return self.path / "ledger.db"

    @property
    def lock(self) -> Path:
        """Held by the server alone, or shared by commands that take single stages."""
        return self.path / "serve.lock"

    @property
    def inbox(self) -> Path:
        """Where hooks drop their news."""
        return self.path / "inbox"

    def mirror(self, repository: int) -> Path:
        """Return the bare copy of a repository."""
        return self.path / "repositories" / f"{repository}.git"

    def cache(self, repository: int) -> Path:
        """Return what trials of one repository share, and of no other."""
        return self.path / "caches" / str(repository)

    def push(self, push: int) -> Path:
        """Return the folder of a push."""
        return self.path / "pushes" / str(push)

    def checkout(self, push: int) -> Path:
        """Return the commit's files."""
        return self.push(push) / "checkout"

    def log(self, push: int, stage: StageName) -> Path:
        """Return the log of one stage."""
        return self.push(push) / "logs" / f"{stage.value}.log"

    def study(self, study: str) -> Path:
        """Return a study's folder."""
        return self.path / "studies" / study

    def delivered(self, repository: str, push: int) -> Path:
        """Return where a push's results lie for good."""
        return self.path / "delivered" / repository / str(push)
