"""A server without processes for trials: a real repository, mirror and ledger; trials live until ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pushtune.errors import PushtuneError
from pushtune.ledger import Ledger, PushRow, RepositoryRow
from pushtune.model.home import Home
from pushtune.model.needs import Needs
from pushtune.model.ports import Interpreter, Runtime
from pushtune.model.states import PushState, StageName
from pushtune.pipeline import Server
from pushtune.service.post import Post
from pushtune.service.serving import Serving
from pushtune.settings import load_server_settings
from pushtune.testing.fakes import FakeRuntime
from pushtune.testing.git_origins import Origin

SCRIPT = """\
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score

model = RandomForestClassifier(n_estimators=2, max_depth=1)
model.fit(X_train, y_train)
print("Accuracy:", accuracy_score(y_test, model.predict(X_test)))
"""


class _NoNews:
    def take(self) -> bool:
        return False


@dataclass
class Environment:
    """Prepares at once. ``broken`` is raised where its runtime is asked for."""

    fake: FakeRuntime
    name: str = "fake"
    broken: Exception | None = None

    def prepare(self, needs: Needs) -> Interpreter:
        return Interpreter("/usr/bin/python3", (3, 11, 0))

    def variables(self, threads: int, seed: int) -> dict[str, str]:
        return {}

    def runtime(self) -> Runtime:
        if self.broken is not None:
            raise self.broken
        return self.fake

    def container(self, image: str, root: str) -> None:
        return None


@dataclass
class Watched:
    """One watched repository with one push. ``now`` is the server's clock."""

    path: Path
    now: float = 1000.0
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home = Home(self.path / "home")
        self.home.path.mkdir()
        self.origin = Origin(self.path / "origin")
        self.origin.write("train.py", SCRIPT)
        self.ledger = Ledger(self.home.ledger)
        self.repository = self.ledger.repositories.add(
            RepositoryRow(0, "wine", str(self.origin.root), (), 60.0, self.now)
        )
        self.environment = Environment(FakeRuntime())
        self.server = Server(
            home=self.home,
            settings=load_server_settings(self.home.path, {"local": True, "slots": "1"}, {}),
            environment=lambda settings, repository, root: self.environment,
            credentials=lambda repository: None,
            clock=lambda: self.now,
            tell=self.said.append,
        )
        self.push = self.pushed()
        self.serving = self.another_server()

    def pushed(self) -> int:
        """Commit what is there, and return the push that it makes."""
        commit = self.origin.commit()
        number = self.ledger.repositories.seen(
            self.repository.id, "main", commit, told_by="poll", now=self.now
        )
        assert number is not None
        return number

    def another_server(self) -> Serving:
        return Serving(
            self.ledger,
            self.server,
            cast("Any", _NoNews()),
            Post(self.ledger, None, self.server.clock, print),
        )

    def row(self) -> PushRow:
        row = self.ledger.pushes.get(self.push)
        assert row is not None
        return row

    def until(self, reached: Callable[[], bool]) -> None:
        """Let the server tick, each time two seconds on, until something is so."""
        for _ in range(400):
            if reached():
                return
            self.serving.tick()
            self.now += 2.0
            time.sleep(0.01)
        raise AssertionError(f"it never was so; the server said {self.said[-5:]}")

    def until_it_trains(self) -> None:
        self.until(lambda: len(self.environment.fake.alive) == 1)

    def cancel(self) -> None:
        self.ledger.pushes.end(self.push, PushState.CANCELLED, now=self.now, reason="cancelled by hand")

    def stage(self, name: StageName) -> str:
        return self.ledger.pushes.stages_of(self.push)[name].state.value


class SlipError(PushtuneError):
    """What no retry mends."""
