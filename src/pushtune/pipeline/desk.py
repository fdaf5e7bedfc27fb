"""What the stages of one push work on: its commit and, once its script is read, its study."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pushtune.errors import PushtuneError
from pushtune.git import Address, Credentials, Mirror, check_address
from pushtune.ledger import Ledger, PushRow, RepositoryRow, StudyRow
from pushtune.model.analysis import Analysis
from pushtune.model.home import Home
from pushtune.model.ports import Environment
from pushtune.model.states import StageName
from pushtune.notify.clean import Masker
from pushtune.pipeline.errands import Errands
from pushtune.pipeline.workbench import Workbench
from pushtune.settings import PushSettings, ServerSettings, SettingsOfMail, load_push_settings
from pushtune.source import load_script


@dataclass(frozen=True)
class Server:
    """What all pushes of one server have in common.

    ``environment`` makes what a push's trials run in, from its settings, its repository and its checkout;
    ``credentials`` finds what a repository is fetched with; ``clock`` returns unix seconds; ``tell`` takes
    a line about a push for the server's own log; ``secrets`` returns what is masked, now, in all that is said
    and sent.
    """

    home: Home
    settings: ServerSettings
    environment: Callable[[PushSettings, RepositoryRow, Path], Environment]
    credentials: Callable[[RepositoryRow], Credentials | None]
    clock: Callable[[], float]
    tell: Callable[[str], None]
    secrets: Callable[[], tuple[str, ...]] = tuple

    def address(self, repository: RepositoryRow) -> Address:
        """Return where a repository is fetched from, checked anew: what is allowed may have changed."""
        return check_address(
            repository.address, allow_local=self.settings.local, allowed_hosts=self.settings.hosts
        )


class Desk:
    """One push's tools. Not thread-safe; nothing on it that cannot be rebuilt from ledger and home.

    A push of `pushtune tune` has its bench from the start and no server.
    """

    def __init__(
        self,
        ledger: Ledger,
        push: int,
        *,
        bench: Workbench | None = None,
        server: Server | None = None,
        errands: Errands | None = None,
    ) -> None:
        assert (bench is None) != (server is None)
        self.ledger = ledger
        self.push = push
        self.stage = StageName.PULL
        self._bench = bench
        self._server = server
        self._errands = errands

    @property
    def watched(self) -> bool:
        """Whether this push came to a watched repository."""
        return self._server is not None

    @property
    def server(self) -> Server:
        """The server; only for pushes to watched repositories."""
        assert self._server is not None
        return self._server

    @property
    def errands(self) -> Errands:
        """What does the work that takes long."""
        assert self._errands is not None
        return self._errands

    def now(self) -> float:
        """Return unix seconds."""
        return self._bench.now() if self._server is None and self._bench else self.server.clock()

    def say(self, line: str) -> None:
        """Write one line to the log of the stage that is at work, and to whoever watches."""
        if self._server is None:
            assert self._bench is not None
            self._bench.say(line)
            return
        line = Masker(self.server.secrets()).text(line)
        log = self.server.home.log(self.push, self.stage)
        # On a full disk the work matters, and the server's own log has the line.
        with suppress(OSError):
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("a", encoding="utf-8", errors="backslashreplace") as stream:
                stream.write(f"{line}\n")
        self.server.tell(f"push {self.push} {self.stage.value}: {line}")

    @property
    def row(self) -> PushRow:
        """The push as it is now."""
        row = self.ledger.pushes.get(self.push)
        assert row is not None
        return row

    @property
    def repository(self) -> RepositoryRow:
        """The repository that was pushed to."""
        number = self.row.repository
        assert number is not None
        row = self.ledger.repositories.get(number)
        assert row is not None
        return row

    @property
    def mirror(self) -> Mirror:
        """Our own copy of the repository."""
        return Mirror(self.server.home.mirror(self.repository.id))

    @property
    def checkout(self) -> Path:
        """The commit's files."""
        return self.server.home.checkout(self.push).resolve()

    @property
    def settings(self) -> PushSettings:
        """What the pushed commit says of itself, within what the server allows."""
        return load_push_settings(self.checkout, self.server.settings)

    @property
    def mail_settings(self) -> SettingsOfMail:
        """Who is mailed; the server's own settings where the commit's cannot be read."""
        server = self.server.settings
        try:
            return self.settings.mail
        except PushtuneError:
            return SettingsOfMail(server.mail_to, server.mail_when)

    @property
    def has_study(self) -> bool:
        """Whether the script was read."""
        return self._bench is not None or self.row.study is not None

    @property
    def bench(self) -> Workbench:
        """The study's tools; the stage pull must be done."""
        if self._bench is None:
            self._bench = self._rebuilt()
        return self._bench

    def _rebuilt(self) -> Workbench:
        number = self.row.study
        study = None if number is None else self.ledger.studies.get(number)
        if study is None:
            raise PushtuneError(f"push {self.push} was not read yet", fix=f"pushtune pull --push {self.push}")
        return self.bench_of(study, self.settings)

    def take(self, study: StudyRow, settings: PushSettings, analysis: Analysis) -> None:
        """Work on a study that was just begun, with what reading its script told."""
        self._bench = self.bench_of(study, settings, analysis)

    def bench_of(
        self, study: StudyRow, settings: PushSettings, analysis: Analysis | None = None
    ) -> Workbench:
        """Return the tools of a study of this push."""
        server = self.server
        root = Path(study.root)
        script = load_script(root / study.entry, study.args, root / study.workdir, root)
        # What was fixed when the study began stays, whatever the operator has changed since.
        run = replace(settings.run, target=study.target, metric=study.metric, strategy=study.strategy)
        return Workbench(
            self.ledger,
            study,
            server.home.study(study.id),
            script,
            run,
            server.environment(settings, self.repository, root),
            server.clock,
            self.say,
            self._errands,
            analysis,
        )
