"""Push, and get a mail: a real server, real git, real processes, a real mail server."""

from __future__ import annotations

import email
import email.policy
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from project import FOREST

from pushtune.testing.git_origins import HttpServer, serving
from pushtune.testing.mail_server import RunningServer, mail_server
from pushtune.testing.real_parts import need_module
from pushtune.testing.served import SCRIPT, ServedHome

SEEDED = FOREST.replace("max_depth=1", "max_depth=1, random_state=1")
QUICK = 'target = "accuracy>=0.93"\ntrials = 6\nconfirm_seeds = 1\n'
SLOW = SCRIPT.replace("time.sleep(0.15)", "time.sleep(1)").replace("range(5)", "range(60)")
PROGRAM = 'target = "accuracy>=0.999"\nstrategy = "program"\ntrials = 2\nconfirm = false\n'


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[RunningServer]:
    with mail_server(tmp_path, security="starttls", login=True) as running:
        yield running


@pytest.fixture
def served(tmp_path: Path, mail: RunningServer) -> Iterator[ServedHome]:
    """A home with a repository that is watched by a hook, and a mail server that wants TLS and a login."""
    password = tmp_path / "password"
    password.write_text(mail.settings.password)
    settings = {
        "mail_server": f"{mail.settings.host}:{mail.settings.port}",
        "mail_user": mail.settings.user,
        "mail_password_file": str(password),
        "mail_ca_file": mail.settings.ca_file,
        "mail_from": mail.settings.sender,
        "publish": True,
    }
    home = ServedHome(tmp_path / "served", settings)
    home.make_repository({})
    yield home
    if home.server is not None and home.server.poll() is None:
        home.stop()


def letters(mail: RunningServer) -> list[EmailMessage]:
    parsed = [email.message_from_bytes(one.body, policy=email.policy.default) for one in mail.room.arrived]
    assert all(isinstance(one, EmailMessage) for one in parsed)
    return parsed  # type: ignore[return-value]


def text_of(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_a_push_becomes_a_mail_and_a_branch(served: ServedHome, mail: RunningServer) -> None:
    need_module("sklearn")
    served.start()
    commit = served.commit({"train.py": SEEDED, "pushtune.toml": QUICK}, "A small forest")
    served.push()
    push = served.wait_over(1)
    assert push["state"] == "done"
    assert {stage["state"] for stage in push["stages"]} == {"done"}
    served.wait_for(lambda: mail.room.arrived)

    (letter,) = letters(mail)
    assert letter["To"] == "ann@example.org"
    assert "origin" in letter["Subject"]
    assert "A small forest" in text_of(letter)
    assert "branch pushtune/train (in the server's copy only)" in text_of(letter)

    mirror = served.home / "repositories" / "1.git"
    said = served.git("log", "-1", "--format=%an %ae%n%P%n%B", "pushtune/train", cwd=mirror)
    assert said.splitlines()[:2] == ["Ann ann@example.org", commit]
    assert "Pushtune-Push: 1" in said
    delivered = served.home / "delivered" / "origin" / "latest"
    assert (delivered / "report.html").is_file()
    assert json.loads((delivered / "summary.json").read_text())["target_met"] is True
    for name in ("report.html", "winner.patch", "model.joblib", "logs"):
        assert str(delivered.parent / "1" / name) in text_of(letter)


def test_what_was_trained_before_is_recorded_and_not_trained_again(
    served: ServedHome, mail: RunningServer
) -> None:
    served.start()
    served.commit(
        {"train.py": SCRIPT, "pushtune.toml": 'target = "accuracy>=0.2"\nstrategy = "program"\n'}, "One"
    )
    served.push()
    assert served.wait_over(1)["state"] == "done"
    served.commit({"README.md": "Explained.\n"}, "Explain")
    served.push()
    second = served.wait_over(2)
    assert (second["state"], second["study"]) == ("done", None)
    assert second["reason"].startswith("script, settings and data are as in push 1")
    served.commit({"data/extra.csv": "1,2\n"}, "More data")
    served.push()
    assert served.wait_over(3)["study"] is not None
    assert len(mail.room.arrived) == 2


def test_the_mail_about_a_script_that_fails_shows_where_it_failed(
    served: ServedHome, mail: RunningServer
) -> None:
    served.start()
    broken = "def load():\n    raise ValueError('no data')\n\n\nload()\n" + SCRIPT
    settings = 'target = "accuracy>=0.2"\nstrategy = "program"\n'
    served.commit({"train.py": broken, "pushtune.toml": settings}, "Broken")
    served.push()
    assert "no data" in served.wait_over(1)["reason"]
    served.wait_for(lambda: mail.room.arrived)
    (letter,) = letters(mail)
    assert 'File "train.py", line 2, in load' in text_of(letter)


def test_settings_that_cannot_be_read_are_mailed_as_such_with_the_line_and_the_fix(
    served: ServedHome, mail: RunningServer
) -> None:
    served.start()
    served.commit({"train.py": SCRIPT, "pushtune.toml": "trials = 3\ntarget = accuracy>=0.9\n"}, "Unquoted")
    served.push()
    reason = served.wait_over(1)["reason"]
    assert reason.startswith("settings: pushtune.toml cannot be read")
    served.wait_for(lambda: mail.room.arrived)
    (letter,) = letters(mail)
    text = " ".join(text_of(letter).split())
    assert "the settings cannot be used" in " ".join(letter["Subject"].split())
    assert "at line 2, column 10" in text
    assert "mend line 2: a text stands in quotes" in text
    assert "script fails" not in text


def test_a_script_that_fails_is_told_once_and_the_mended_one_as_fixed(
    served: ServedHome, mail: RunningServer
) -> None:
    settings = 'target = "accuracy>=0.2"\nstrategy = "program"\n'
    served.start()
    served.commit(
        {"train.py": "import no_such_package_at_all\n" + SCRIPT, "pushtune.toml": settings}, "Broken"
    )
    served.push()
    first = served.wait_over(1)
    assert first["state"] == "failed"
    assert "no_such_package_at_all" in first["reason"]
    served.commit({"train.py": SCRIPT}, "Mended")
    served.push()
    assert served.wait_over(2)["state"] == "done"
    served.wait_for(lambda: len(mail.room.arrived) == 2)
    broken, mended = letters(mail)
    assert broken["X-Pushtune-Occasion"] == "script-fails"
    assert "no_such_package_at_all" in text_of(broken)
    assert mended["X-Pushtune-Occasion"] == "fixed"


def test_killed_its_trials_go_on_and_the_next_server_adopts_them(served: ServedHome) -> None:
    served.start()
    served.commit({"train.py": SLOW, "pushtune.toml": PROGRAM}, "Slow")
    served.push()
    # Its events tell that it is what it stays: what starts a process has become it.
    served.wait_for(lambda: list(served.home.glob("studies/*/trials/0000/attempts/1/events.jsonl")))
    (before,) = served.trials()
    served.kill()
    served.wait_for(lambda: [process.pid for process in served.trials()] == [before.pid])
    served.start()
    served.wait_for(lambda: "found 1 attempt still running" in served.log)
    served.wait_for(lambda: [process.pid for process in served.trials()] == [before.pid])
    served.run("cancel", "1")
    served.wait_for(lambda: not served.trials())
    assert served.show(1)["state"] == "cancelled"


def test_a_cancelled_push_is_ended_by_the_next_server_and_can_be_retried(served: ServedHome) -> None:
    served.start()
    served.commit({"train.py": SLOW, "pushtune.toml": PROGRAM}, "Slow")
    served.push()
    served.wait_for(served.trials)
    served.kill()
    served.run("cancel", "1")
    assert served.trials()
    served.start()
    served.wait_for(lambda: not served.trials())
    said = served.run("retry", "1").stdout
    assert said.startswith("push 1 runs again from train")
    served.wait_for(served.trials)


def test_stopped_by_its_manager_it_leaves_trials_running_by_a_person_it_ends_them(served: ServedHome) -> None:
    served.start()
    served.commit({"train.py": SLOW, "pushtune.toml": PROGRAM}, "Slow")
    served.push()
    served.wait_for(served.trials)
    assert served.stop(signal.SIGTERM) == 0
    assert served.trials()
    served.start()
    served.wait_for(lambda: "still running" in served.log)
    assert served.stop(signal.SIGINT) == 0
    assert served.trials() == []


def test_a_second_server_refuses_or_stands_by_and_takes_over(served: ServedHome) -> None:
    first = served.start()
    served.wait_for(lambda: "serving" in served.log)
    refused = served.run("serve", check=False)
    assert refused.returncode == 2
    assert "another pushtune works in" in refused.stderr
    served.start("--standby")
    served.wait_for(lambda: "standing by" in served.log)
    first.kill()
    first.wait()
    served.wait_for(lambda: served.log.count("serving") == 2)


def test_settings_that_are_changed_while_it_runs_are_said_to_want_a_restart(served: ServedHome) -> None:
    served.start()
    served.wait_for(lambda: "serving" in served.log)
    assert "restart" not in served.run("ps").stderr
    with (served.home / "server.toml").open("a") as file:
        file.write("pushes = 7\n")
    assert "restart it" in served.run("ps").stderr
    served.wait_for(lambda: "restart it" in served.log)


def test_pushed_code_sees_no_secret_of_the_server(served: ServedHome) -> None:
    spy = "import os\nprint(sorted(os.environ.items()))\n"
    served.variables = {"DATABASE_URL": "postgres://secret-in-environment", "AWS_SECRET": "secret-too"}
    served.start()
    served.commit(
        {"train.py": spy + SCRIPT, "pushtune.toml": 'target = "accuracy>=0.2"\nstrategy = "program"\n'}, "Spy"
    )
    served.push()
    assert served.wait_over(1)["state"] == "done"
    (printed,) = served.home.glob("studies/*/trials/0000/attempts/1/stdout.log")
    assert "PATH" in printed.read_text()
    assert "secret" not in printed.read_text()


def test_nothing_is_served_where_nothing_shuts_pushed_code_in(tmp_path: Path) -> None:
    # No engine can be found on this PATH, and process mode was not asked for.
    (tmp_path / "home").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "pushtune", "serve", "--home", str(tmp_path / "home")],
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert "pushed code is not trusted" in done.stderr
    assert 'environment = "process"' in done.stderr


def test_a_newer_push_supersedes_queued_ones_of_its_branch(served: ServedHome) -> None:
    served.start("--pushes", "1")
    for number, step in enumerate(("0.31", "0.32", "0.33"), start=1):
        served.commit(
            {"train.py": SLOW.replace("step = 0.5", f"step = {step}"), "pushtune.toml": PROGRAM}, step
        )
        served.push()
        served.wait_for(lambda number=number: len(served.pushes()) == number)
    served.wait_for(lambda: served.pushes()[2]["state"] == "running")
    newest, middle, first = served.pushes()
    assert (newest["state"], middle["state"], first["state"]) == ("queued", "superseded", "running")
    assert middle["reason"] == "push 3 is newer"
    served.run("cancel", "1")
    served.wait_for(lambda: served.pushes()[0]["state"] == "running")


def test_a_branch_that_pushtune_made_triggers_nothing(served: ServedHome) -> None:
    served.start()
    served.commit({"train.py": SCRIPT}, "Ours")
    served.git("push", "-q", "origin", "HEAD:refs/heads/pushtune/train")
    served.commit(
        {"train.py": SCRIPT, "pushtune.toml": 'target = "accuracy>=0.2"\nstrategy = "program"\n'}, "Theirs"
    )
    served.push()
    served.wait_over(1)
    assert {row["branch"] for row in served.pushes()} == {"main"}


def test_each_watched_branch_has_its_winner_and_its_letter_says_how_to_get_it(
    served: ServedHome, mail: RunningServer
) -> None:
    settings = 'target = "accuracy>=0.9"\nstrategy = "program"\ntrials = 1\nconfirm = false\npublish = true\n'
    tweak = "from pathlib import Path\np = Path('train.py')\n"
    tweak += "p.write_text(p.read_text().replace('step = 0.5', 'step = 2'))\n"
    changed = served.run("repo", "add", str(served.origin), "--branch", "main", "--branch", "exp/*").stdout
    assert "(default) → main, exp/*" in changed
    served.start()
    for number, branch in enumerate(("main", "exp/wide"), start=1):
        script = SCRIPT.replace("units = 4", f"units = {3 + number}")
        served.git("checkout", "-q", "-B", branch)
        served.commit({"train.py": script, "tweak.py": tweak, "pushtune.toml": settings}, branch)
        served.push()
        assert served.wait_over(number)["state"] == "done"
    served.wait_for(lambda: len(mail.room.arrived) == 2)
    for letter, branch, units in zip(
        letters(mail), ("pushtune/train", "pushtune/train@exp-wide"), (4, 5), strict=True
    ):
        get = f"git fetch && git switch {branch}"
        text = " ".join(text_of(letter).split())
        assert f"How to reproduce {get} python train.py" in text
        subprocess.run(get, shell=True, cwd=served.work, check=True, capture_output=True)
        won = (served.work / "train.py").read_text()
        assert "step = 2" in won
        assert f"units = {units}" in won


def test_over_http_with_a_token_the_winner_is_pushed_back(tmp_path: Path) -> None:
    settings = 'target = "accuracy>=0.9"\nstrategy = "program"\ntrials = 2\nconfirm = false\npublish = true\n'
    tweak = "from pathlib import Path\np = Path('train.py')\n"
    tweak += "p.write_text(p.read_text().replace('step = 0.5', 'step = 2'))\n"
    home = ServedHome(tmp_path / "served", {"hosts": ["127.0.0.1"], "publish": True, "poll": "1s"})
    home.make_repository({}, watch=False)
    home.git("config", "http.receivepack", "true", cwd=home.origin)
    (tmp_path / "token").write_text("a-secret-token\n")
    with serving(HttpServer(home.path, login=("git", "a-secret-token"))) as forge:
        url = f"http://127.0.0.1:{forge.port}/origin.git"
        home.run("repo", "add", url, "--token-file", str(tmp_path / "token"), "--user", "git")
        home.start()
        commit = home.commit({"train.py": SCRIPT, "tweak.py": tweak, "pushtune.toml": settings}, "A loop")
        home.push()
        push = home.wait_over(1)
        assert push["state"] == "done", push["reason"]
        assert home.git("log", "-1", "--format=%P", "pushtune/train", cwd=home.origin).strip() == commit
        home.stop()
    assert "a-secret-token" not in home.log
    assert [row["branch"] for row in home.pushes()] == ["main"]
