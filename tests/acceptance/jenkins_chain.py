"""What Jenkins does with the jobs that Job Builder made: their XML is read, their steps are run by `sh`.

Only what the jobs use: parameters, shell steps, parameterized triggers. Whatever else stands in the XML, such
as how a build is shown, changes nothing of what runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

_TRIGGERS = "publishers/hudson.plugins.parameterizedtrigger.BuildTrigger/configs/*"
_PARAMETERS = "properties/hudson.model.ParametersDefinitionProperty/parameterDefinitions/*"
_RANKS = {"SUCCESS": 0, "UNSTABLE": 1, "FAILURE": 2, "ABORTED": 4}
_WORST = {"SUCCESS": 0, "UNSTABLE_OR_BETTER": 1, "FAILED_OR_BETTER": 2, "ALWAYS": 4}
"""The worst result of a build with which each condition still triggers."""


@dataclass(frozen=True)
class Step:
    """One shell step. ``unstable``: the status that makes the build unstable, and lets it go on."""

    command: str
    unstable: int | None


@dataclass(frozen=True)
class Trigger:
    """Which jobs are built next, on which results, and where their parameters are from."""

    jobs: tuple[str, ...]
    condition: str
    current: bool
    file: str | None
    needs_file: bool


@dataclass(frozen=True)
class Job:
    """One job as its XML says."""

    name: str
    parameters: Mapping[str, str]
    steps: tuple[Step, ...]
    triggers: tuple[Trigger, ...]
    document: ElementTree.Element


@dataclass
class Build:
    """One build: how it ended, and what its steps said."""

    job: str
    parameters: Mapping[str, str]
    result: str = "SUCCESS"
    log: str = ""


def read_jobs(folder: Path) -> dict[str, Job]:
    """Return the jobs among what Job Builder wrote into ``folder``: one folder each, with its XML."""
    documents = {
        path.parent.name: ElementTree.parse(path).getroot() for path in sorted(folder.glob("*/config.xml"))
    }
    return {name: _job(name, root) for name, root in documents.items() if root.tag == "project"}


def _job(name: str, root: ElementTree.Element) -> Job:
    parameters = {_text(one, "name"): _text(one, "defaultValue") for one in root.iterfind(_PARAMETERS)}
    steps = tuple(_step(one) for one in root.find("builders") or ())
    return Job(name, parameters, steps, tuple(_trigger(one) for one in root.iterfind(_TRIGGERS)), root)


def _step(element: ElementTree.Element) -> Step:
    assert element.tag == "hudson.tasks.Shell", f"{element.tag} is no shell step"
    unstable = element.findtext("unstableReturn")
    return Step(_text(element, "command"), None if unstable is None else int(unstable))


def _trigger(element: ElementTree.Element) -> Trigger:
    prefix = "configs/hudson.plugins.parameterizedtrigger."
    names = tuple(name.strip() for name in _text(element, "projects").split(","))
    file = element.findtext(f"{prefix}FileBuildParameters/propertiesFile")
    current = element.find(f"{prefix}CurrentBuildParameters") is not None
    needs_file = element.findtext(f"{prefix}FileBuildParameters/failTriggerOnMissing") == "true"
    return Trigger(names, _text(element, "condition"), current, file, needs_file)


def _text(element: ElementTree.Element, name: str) -> str:
    return element.findtext(name) or ""


Meddle = Callable[[subprocess.Popen[str]], None]


@dataclass
class Jenkins:
    """Builds jobs one after the other, for the pushtune in ``home``.

    ``meddle`` does something to a job's next step while it runs.
    """

    jobs: Mapping[str, Job]
    folder: Path
    home: Path
    meddle: dict[str, Meddle] = field(default_factory=dict)
    builds: list[Build] = field(default_factory=list)

    def build(
        self, name: str, scm: Mapping[str, str], *, triggers: bool = True, **parameters: str
    ) -> list[Build]:
        """Build a job and, with ``triggers``, what it triggers; ``scm`` is what git's plugin says."""
        first = len(self.builds)
        waiting = [(name, dict(parameters), dict(scm))]
        while waiting:
            job, given, variables = waiting.pop(0)
            build = self._run(self.jobs[job], given, variables)
            for trigger in self.jobs[job].triggers if triggers else ():
                if self._fires(trigger, build):
                    waiting += [(next_, self._handed_on(trigger, build), {}) for next_ in trigger.jobs]
        return self.builds[first:]

    def _run(self, job: Job, given: Mapping[str, str], scm: Mapping[str, str]) -> Build:
        # What a job does not declare, Jenkins does not hand to it.
        parameters = {name: given.get(name, default) for name, default in job.parameters.items()}
        parameters["PUSHTUNE_HOME"] = str(self.home)
        build = Build(job.name, parameters)
        self.builds.append(build)
        for step in job.steps:
            status = self._shell(step, build, scm)
            if status not in (0, step.unstable):
                build.result = "FAILURE"
                break
            build.result = "UNSTABLE" if status else build.result
        return build

    def _shell(self, step: Step, build: Build, scm: Mapping[str, str]) -> int:
        """Run a step as Jenkins does: a script in a temporary file, by ``sh -xe``."""
        workspace = self._workspace(build.job)
        script = self.folder / "jenkins.sh"
        script.write_text(step.command, encoding="utf-8")
        process = subprocess.Popen(
            ["/bin/sh", "-xe", str(script)],
            cwd=workspace,
            env=self._variables(build, workspace) | dict(scm),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.meddle.pop(build.job, lambda _: None)(process)
        said, _ = process.communicate(timeout=300)
        build.log += said
        return process.returncode

    def _variables(self, build: Build, workspace: Path) -> dict[str, str]:
        number = str(len(self.builds))
        here = Path(sys.executable).parent
        return {
            "PATH": f"{here}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "BUILD_NUMBER": number,
            "BUILD_ID": number,
            "BUILD_TAG": f"jenkins-{build.job}-{number}",
            "BUILD_URL": f"http://jenkins.example.org/job/{build.job}/{number}/",
            "EXECUTOR_NUMBER": "0",
            "JENKINS_NODE_COOKIE": "a cookie by which Jenkins ends what a build leaves behind",
            "JENKINS_URL": "http://jenkins.example.org/",
            "JOB_NAME": build.job,
            "NODE_NAME": "pushtune",
            "WORKSPACE": str(workspace),
            **build.parameters,
        }

    def _workspace(self, job: str) -> Path:
        path = self.folder / "workspace" / job
        path.mkdir(parents=True, exist_ok=True)
        return path

    def _fires(self, trigger: Trigger, build: Build) -> bool:
        missing = trigger.file is not None and not (self._workspace(build.job) / trigger.file).exists()
        if missing and trigger.needs_file:
            return False
        return _RANKS[build.result] <= _WORST[trigger.condition]

    def _handed_on(self, trigger: Trigger, build: Build) -> dict[str, str]:
        handed = dict(build.parameters) if trigger.current else {}
        if trigger.file is not None:
            for line in (self._workspace(build.job) / trigger.file).read_text(encoding="utf-8").splitlines():
                name, _, value = line.partition("=")
                handed[name] = value
        return handed
