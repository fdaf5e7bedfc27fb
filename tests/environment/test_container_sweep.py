"""What a killed server has left in containers goes when the next one starts; what nobody owns, when asked."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from container_cases import Yard, container_id, wait_for

from pushtune.environment.holdings import Holding
from pushtune.ledger import Ledger, StudyRow, new_trial
from pushtune.model.space import Assignment
from pushtune.model.states import Purpose
from pushtune.service import environments
from pushtune.service.sweeping import sweep

SLEEPER = "open('ready', 'w').write('1')\nimport time; time.sleep(600)"


def test_a_server_keeps_the_attempts_that_are_open_and_removes_the_rest(yard: Yard, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.studies.create(StudyRow("s", "k", "/", "train.py", ".", (), None, None, "auto", 0, 1.0))
    trials = ledger.trials("s")
    trials.want(new_trial("s", 0, Purpose.BASELINE, Assignment(), seed=0, now=1.0))
    trials.begin_attempt(0, 1, "s/0/1", 0, now=2.0)
    runtime = yard.runtime()
    kept = runtime.start(yard.spec(tmp_path / "kept", SLEEPER, label="s/0/1"))
    runtime.start(yard.spec(tmp_path / "left", SLEEPER, label="s/program/1"))
    said: list[str] = []
    sweep(Path(yard.home), ledger, [yard.engine], said.append)
    assert yard.runtime().find(["s/0/1", "s/program/1"]) == {"s/0/1": kept}
    assert said == ["removed the container of s/program/1, which an earlier server has left"]
    yard.runtime().kill(kept)
    ledger.close()


def test_prune_removes_a_running_container_only_where_its_study_is_no_more(
    yard: Yard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUSHTUNE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "study").mkdir()
    gone, there = Yard(yard.engine, str(tmp_path / "gone")), Yard(yard.engine, str(tmp_path / "study"))
    handles = [each.runtime().start(each.spec(tmp_path / name, SLEEPER)) for name, each in
               (("one", gone), ("two", there))]  # fmt: skip
    for name in ("one", "two"):
        wait_for(tmp_path / name / "ready")
    ours = {container_id(handle) for handle in handles}
    listed = environments.all_holdings

    def only_ours(environ: dict[str, str]) -> tuple[list[Holding], list[str]]:
        found, silent = listed(environ)
        return [replace(item) for item in found if item.id in ours], silent

    monkeypatch.setattr(environments, "all_holdings", only_ours)
    assert list(environments.prune({}, now=time.time())) == []
    removed = list(environments.prune({}, now=time.time(), older=float("-inf")))
    assert [(item.id, why) for item, why in removed] == [(container_id(handles[0]), None)]
    there.runtime().kill(handles[1])
    assert [*gone.left(), *there.left()] == []
