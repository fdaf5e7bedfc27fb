"""The original chain for teams that have Jenkins: what Job Builder makes of `jobs.yaml` is run for real."""

from __future__ import annotations

import email
import email.policy
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psutil
import pytest
from jenkins_chain import Build, Jenkins, Job, read_jobs
from project import FOREST, Project, wait_for

from pushtune.ledger import Ledger
from pushtune.model.states import StageName
from pushtune.testing.git_origins import Origin
from pushtune.testing.mail_server import Mailroom, mail_server
from pushtune.testing.real_parts import need

INTEGRATION = Path(__file__).resolve().parents[2] / "integrations" / "jenkins"
PULL, INSPECT, TRAIN, TUNE, NOTIFY = (
    f"pushtune-digits-{step}" for step in ("1-pull", "2-inspect", "3-train", "4-tune", "5-notify")
)
MONITOR = "pushtune-6-monitor"
SETTINGS = 'target = "accuracy>=0.9"\ntrials = 3\njobs = 1\nconfirm-seeds = 1\n'

# Long enough that it is caught while it trains.
SLOW = f"{FOREST}\nimport time\ntime.sleep(2)\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Job Builder makes, without any Jenkins to ask."""
    folder = tmp_path_factory.mktemp("jobs")
    command = Path(sys.executable).parent / "jenkins-jobs"
    subprocess.run(
        [command, "test", INTEGRATION / "jobs.yaml", "-o", folder / "xml", "--config-xml"],
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        check=True,
        capture_output=True,
    )
    return folder / "xml"


@pytest.fixture(scope="module")
def jobs(made: Path) -> dict[str, Job]:
    return read_jobs(made)


@dataclass(frozen=True)
class Team:
    """A team's repository, the Jenkins that watches it, and the mail that comes."""

    origin: Origin
    jenkins: Jenkins
    room: Mailroom
    project: Project
    home: Path

    def push(self, script: str, message: str = "Train a forest") -> dict[str, str]:
        """Commit a script; return what Jenkins's git plugin says of it."""
        self.origin.write("train.py", script)
        self.origin.write("pushtune.toml", SETTINGS)
        commit = self.origin.commit(message)
        return {
            "GIT_BRANCH": "origin/main",
            "GIT_COMMIT": commit,
            "GIT_URL": str(self.origin.root),
        }

    def pushtune(self, *arguments: str) -> str:
        answer = self.project.run(*arguments, "--home", str(self.home))
        assert answer.code == 0, answer.err
        return answer.out

    def stages(self, push: int = 1) -> dict[str, str]:
        shown: dict[str, Any] = json.loads(self.pushtune("show", str(push), "--json"))
        return {stage["name"]: stage["state"] for stage in shown["stages"]}

    def letters(self) -> list[EmailMessage]:
        return [email.message_from_bytes(one.body, policy=email.policy.default) for one in self.room.arrived]

    def baseline_attempts(self) -> int:
        """How often the untouched script was started."""
        with closing(Ledger(self.home / "ledger.db")) as ledger:
            push = ledger.pushes.get(1)
            assert push is not None
            assert push.study is not None
            return len(ledger.trials(push.study).attempts(0))

    def trials(self) -> list[psutil.Process]:
        """The processes that train at this moment."""
        return [one for one in Project(self.home).trial_processes() if "pushtune_probe" in _command(one)]


@pytest.fixture
def team(project: Project, tmp_path: Path, jobs: dict[str, Job]) -> Iterator[Team]:
    """A repository, a home as the how-to sets it up, a Jenkins, a mail server."""
    origin = Origin(tmp_path / "origin")
    origin.write("README", "Digits")
    origin.commit("Begin")
    home = tmp_path / "home"
    with mail_server(tmp_path) as mail:
        home.mkdir()
        (home / "server.toml").write_text(
            f"""\
environment = "process"
python = "{sys.executable}"
local = true
mail-server = "localhost:{mail.settings.port}"
mail-from = "pushtune@example.org"
mail-ca-file = "{mail.settings.ca_file}"
""",
            encoding="utf-8",
        )
        (tmp_path / "jenkins").mkdir()
        jenkins = Jenkins(jobs, tmp_path / "jenkins", home=home)
        team = Team(origin, jenkins, mail.room, project, home)
        team.pushtune("repo", "add", str(origin.root), "--name", "digits")
        yield team


DONE = dict.fromkeys((stage.value for stage in StageName), "done")
GREEN = dict.fromkeys((PULL, INSPECT, TRAIN, TUNE, NOTIFY), "SUCCESS")


def results_of(builds: list[Build]) -> dict[str, str]:
    return {build.job: build.result for build in builds}


def test_a_push_goes_through_all_jobs_and_ends_with_a_mail(team: Team) -> None:
    pushed = team.push(FOREST)

    builds = team.jenkins.build(PULL, pushed)

    assert results_of(builds) == GREEN
    assert team.stages() == DONE
    (letter,) = team.letters()
    assert letter["To"] == "ada@example.org"
    assert "Train a forest" in _text(letter)
    assert pushed["GIT_COMMIT"][:10] in _text(letter)


def test_a_script_that_fails_is_the_developers_to_hear_of_and_no_job_breaks(team: Team) -> None:
    builds = team.jenkins.build(PULL, team.push(FOREST.replace("max_depth=1", "max_dept=1")))

    results = {build.job: build.result for build in builds}
    # Yellow where the script failed, and red nowhere: email-ext, which tells the operators, is for red alone.
    assert results == {
        PULL: "SUCCESS",
        INSPECT: "SUCCESS",
        TRAIN: "UNSTABLE",
        TUNE: "SUCCESS",
        NOTIFY: "SUCCESS",
    }
    skipped = dict.fromkeys(("tune", "confirm", "deliver"), "skipped")
    assert team.stages() == {**DONE, "train": "failed", **skipped}
    (letter,) = team.letters()
    assert "max_dept" in _text(letter)


def test_when_a_build_is_killed_the_next_job_goes_on_with_what_it_trained(team: Team) -> None:
    team.jenkins.meddle[TRAIN] = _kill_in_the_middle(team, trials=False)

    builds = team.jenkins.build(PULL, team.push(SLOW))

    results = {build.job: build.result for build in builds}
    assert results == {
        PULL: "SUCCESS",
        INSPECT: "SUCCESS",
        TRAIN: "FAILURE",
        TUNE: "SUCCESS",
        NOTIFY: "SUCCESS",
    }
    assert team.stages() == DONE
    assert len(team.letters()) == 1
    assert team.baseline_attempts() == 1, "it had lived on, and was not started again"


def test_when_the_machine_dies_the_monitor_brings_the_push_to_its_letter(team: Team) -> None:
    pushed = team.push(SLOW)
    team.jenkins.build(PULL, pushed, triggers=False)
    team.jenkins.build(INSPECT, {}, triggers=False, PUSH="1")
    team.jenkins.meddle[TRAIN] = _kill_in_the_middle(team, trials=True)
    (killed,) = team.jenkins.build(TRAIN, {}, triggers=False, PUSH="1")
    assert killed.result == "FAILURE"

    (monitor,) = team.jenkins.build(MONITOR, {})

    assert monitor.result == "SUCCESS", monitor.log
    assert "nobody works on it; going on with it" in monitor.log
    assert team.stages() == DONE
    assert len(team.letters()) == 1
    assert team.baseline_attempts() == 2, "it had died, and was started again"

    (again,) = team.jenkins.build(MONITOR, {})
    assert "0 pushes were taken on" in again.log
    assert len(team.letters()) == 1


def test_a_letter_that_the_mail_server_could_not_take_is_sent_by_the_monitor(team: Team) -> None:
    team.room.answers.append("451 come back later")
    team.jenkins.build(PULL, team.push("not Python"))
    assert team.letters() == []
    _let_the_letter_be_due(team.home)

    (monitor,) = team.jenkins.build(MONITOR, {})

    assert "mailed ada@example.org" in monitor.log
    assert len(team.letters()) == 1


def test_monitor_and_chain_may_meet_one_waits_and_finds_the_stage_done(team: Team) -> None:
    team.jenkins.build(PULL, team.push(SLOW), triggers=False)
    team.jenkins.build(INSPECT, {}, triggers=False, PUSH="1")

    train = ("train", "--push", "1", "--home", str(team.home))
    first = team.project.start(*train)
    wait_for(team.trials)
    first.send_signal(signal.SIGSTOP)  # so that it is sure to be busy when the other one comes
    second = team.project.start(*train)
    assert second.stderr is not None
    assert second.stderr.readline() == "another command works on push 1\n"
    first.send_signal(signal.SIGCONT)

    said = [process.communicate(timeout=240)[0] for process in (first, second)]
    assert said[0].startswith("push 1 train: done: accuracy")
    assert said[1] == said[0]
    assert team.baseline_attempts() == 1


def test_a_push_that_the_chain_lost_is_taken_on_by_the_monitor_after_a_while(team: Team) -> None:
    team.jenkins.build(PULL, team.push(FOREST.replace("max_depth=1", "max_dept=1")), triggers=False)

    assert "0 pushes were taken on" in team.pushtune("monitor")
    assert "0 pushes were taken on" in team.pushtune("monitor", "--idle", "1h")
    time.sleep(1)
    assert "1 push was taken on" in team.pushtune("monitor", "--idle", "1s")

    assert team.stages()["train"] == "failed"
    assert len(team.letters()) == 1


def test_a_push_that_was_cancelled_is_left_alone_and_breaks_no_job(team: Team) -> None:
    pushed = team.push(FOREST)
    team.jenkins.build(PULL, pushed, triggers=False)
    team.pushtune("cancel", "1")

    builds = team.jenkins.build(INSPECT, {}, PUSH="1")

    assert [build.result for build in builds] == ["SUCCESS"] * 4
    assert "`pushtune retry 1` runs it again" in builds[0].log
    assert team.letters() == []


def test_a_repository_that_is_not_known_breaks_the_build_and_starts_no_other(team: Team) -> None:
    left_there = team.jenkins.folder / "workspace" / PULL / "push.env"
    left_there.parent.mkdir(parents=True)
    left_there.write_text("PUSH=7\n", encoding="utf-8")

    builds = team.jenkins.build(PULL, team.push(FOREST), REPOSITORY="digit")

    assert [(build.job, build.result) for build in builds] == [(PULL, "FAILURE")]
    assert "digit" in builds[0].log


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _text(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def _kill_in_the_middle(team: Team, *, trials: bool) -> Callable[[subprocess.Popen[str]], None]:
    """Return what kills a build's shell and all it started while it trains; and with ``trials`` those too."""

    def kill(process: subprocess.Popen[str]) -> None:
        wait_for(team.trials)
        running = team.trials()
        # By this variable Jenkins finds, and ends, what a build leaves behind.
        assert not any("JENKINS_NODE_COOKIE" in trial.environ() for trial in running)
        os.killpg(process.pid, signal.SIGKILL)
        for trial in running if trials else ():
            trial.kill()

    return kill


def _let_the_letter_be_due(home: Path) -> None:
    """Waiting a minute for the next try would be the same."""
    with closing(Ledger(home / "ledger.db")) as ledger:
        (letter,) = ledger.outbox.waiting()
        ledger.outbox.postponed(letter.id, "", next_try=0.0, recipients=letter.recipients)


def test_the_jobs_are_joined_in_the_order_of_the_stages(jobs: dict[str, Job]) -> None:
    chain, name = [], PULL
    while name:
        chain.append(name)
        (name,) = [next_ for trigger in jobs[name].triggers for next_ in trigger.jobs] or [""]
    assert chain == [PULL, INSPECT, TRAIN, TUNE, NOTIFY]
    commands = [step.command.split()[:2] for job in chain for step in jobs[job].steps]
    assert commands == [["pushtune", stage.value] for stage in StageName]
    assert sorted(jobs) == sorted([*chain, MONITOR])


def test_jenkins_looks_for_pushes_and_lets_hooks_tell_it_and_the_monitor_has_a_schedule(
    jobs: dict[str, Job],
) -> None:
    polling = jobs[PULL].document.find("triggers/hudson.triggers.SCMTrigger")
    assert polling is not None
    assert polling.findtext("ignorePostCommitHooks") == "false"
    assert jobs[MONITOR].document.findtext("triggers/hudson.triggers.TimerTrigger/spec")


def test_pushes_are_built_side_by_side_and_builds_are_kept_for_a_while(jobs: dict[str, Job]) -> None:
    for job in jobs.values():
        assert job.document.findtext("concurrentBuild") == "true"
        assert int(job.document.findtext(".//numToKeep") or 0) > 0
        assert (
            job.document.find("buildWrappers/hudson.plugins.timestamper.TimestamperBuildWrapper") is not None
        )


def test_operators_are_told_only_of_builds_that_break(jobs: dict[str, Job]) -> None:
    for job in jobs.values():
        triggers = job.document.find(".//hudson.plugins.emailext.ExtendedEmailPublisher/configuredTriggers")
        assert triggers is not None
        assert [trigger.tag.rpartition(".")[2] for trigger in triggers] == ["FailureTrigger"]


def test_the_views_show_the_chain_from_its_first_job(made: Path) -> None:
    pipeline = (made / "pushtune-digits" / "config.xml").read_text(encoding="utf-8")
    assert f"<firstJob>{PULL}</firstJob>" in pipeline
    (pattern,) = re.findall(
        r"<includeRegex>(.*)</includeRegex>", (made / "pushtune-digits-jobs" / "config.xml").read_text()
    )
    assert all(re.fullmatch(pattern, job) for job in (PULL, INSPECT, TRAIN, TUNE, NOTIFY, MONITOR))


def test_the_steps_of_the_jenkinsfile_are_those_of_the_jobs(jobs: dict[str, Job]) -> None:
    text = (INTEGRATION / "Jenkinsfile").read_text(encoding="utf-8")
    steps = re.findall(r"^\s*sh '(.*)'$", text, re.MULTILINE)
    assert len(steps) == len(re.findall(r"\bsh\b\s*[('\"]", text)), "a step is not in single quotes"
    assert steps == [step.command for job in (PULL, INSPECT, TRAIN, TUNE, NOTIFY) for step in jobs[job].steps]


LINT = "npm-groovy-lint@14.6.0"
"""The last that runs on Node.js 18; it brings its rules along, and asks for nothing but Java."""


@pytest.fixture(scope="module")
def linter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The linter, installed once and kept beside what else CI keeps."""
    need(shutil.which("npm") is not None, "npm")
    need(shutil.which("java") is not None, "java")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pushtune-ci"
    program = cache / LINT / "node_modules" / ".bin" / "npm-groovy-lint"
    if not program.exists():
        folder = cache / f"{LINT}.{os.getpid()}"
        folder.mkdir(parents=True)
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-save", "--prefix", str(folder), LINT]
        installed = subprocess.run(command, capture_output=True, text=True, check=False)
        with suppress(OSError):  # another run was first
            folder.rename(cache / LINT)
        shutil.rmtree(folder, ignore_errors=True)
        need(program.exists(), f"{LINT} from the npm registry: {installed.stderr[-300:]}")
    return program


def _lint(linter: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [linter, "--path", folder, "--files", "**/Jenkinsfile*", "--noserver", "--failon", "info"]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def test_the_jenkinsfile_passes_the_linter_and_a_broken_one_does_not(linter: Path, tmp_path: Path) -> None:
    shutil.copytree(INTEGRATION, tmp_path / "jenkins")
    passed = _lint(linter, tmp_path / "jenkins")
    assert passed.returncode == 0, passed.stdout + passed.stderr

    file = tmp_path / "jenkins" / "Jenkinsfile"
    file.write_text(file.read_text(encoding="utf-8").replace("timestamps()", "timestamps("), encoding="utf-8")
    assert _lint(linter, tmp_path / "jenkins").returncode != 0
