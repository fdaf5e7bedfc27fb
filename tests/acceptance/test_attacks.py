"""Strangers push: what they may do to a server, its home, its terminal and its mail. Lost: nothing.

A real server, real git, real processes, a real mail server. docs/reference/attacks.md has all cases.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import hashlib
import hmac
import http.client
import json
import os
import re
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import psutil
import pytest

from pushtune.testing.mail_server import RunningServer, mail_server
from pushtune.testing.real_parts import need
from pushtune.testing.served import SCRIPT, ServedHome, epochs_trained_twice

OUTSIDE = "what lies outside stays outside"
MAIL_SECRET = "the-mail-password-of-the-operator"
HOOK_SECRET = "the-webhook-secret-of-the-operator"
PLAIN = 'target = "accuracy>=0.2"\nstrategy = "program"\n'
QUICK = SCRIPT.replace("time.sleep(0.15)", "time.sleep(0.01)")
MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>"
STEERING = "\x1b]0;owned\x07\x1b[2J\u202e"


def integrity(home: Path) -> str:
    with contextlib.closing(sqlite3.connect(home / "ledger.db", timeout=30)) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])


def letters(mail: RunningServer) -> list[EmailMessage]:
    return [email.message_from_bytes(one.body, policy=email.policy.default) for one in mail.room.arrived]


def plain_text(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def by_mail(mail: RunningServer) -> dict[str, Any]:
    return {
        "mail_server": f"127.0.0.1:{mail.settings.port}",
        "mail_security": "none",
        "mail_from": mail.settings.sender,
    }


@contextlib.contextmanager
def serving(path: Path, settings: dict[str, Any], *branches: str) -> Iterator[ServedHome]:
    """A home whose origin is watched by a hook, ``branches`` of it; its server ends with the block."""
    served = ServedHome(path, settings)
    served.make_repository({})
    if branches:
        served.run("repo", "remove", "origin")
        chosen = [word for branch in branches for word in ("--branch", branch)]
        served.run("repo", "add", str(served.origin), "--name", "origin", *chosen)
    try:
        yield served
    finally:
        if served.server is not None and served.server.poll() is None:
            served.stop(signal.SIGINT)


# One push that carries what a hostile developer can put into a repository.

HOSTILE_SCRIPT = f"""\
import os, pathlib, pickle, sys

here = pathlib.Path(__file__).parent
print("data:", (here / "data.txt").read_text())
print("environment:", sorted(os.environ.items()))
found = seen = 0
for environ in pathlib.Path("/proc").glob("[0-9]*/environ"):
    try:
        served = environ.with_name("cmdline").read_bytes().endswith(b"serve\\0")
        seen += served
        found += served and b"webhook-secret-of-" b"the-operator" in environ.read_bytes()
    except OSError:
        continue
print("found in the server:", found, "of", min(seen, 1))
marker = pathlib.Path.home() / "poison.txt"
print("poisoned:", marker.exists())
marker.write_text("of another repository")


class Bomb:
    def __reduce__(self):
        return (os.system, ("touch CANARY/unpickled",))


for name in ("model.pkl", "model.pt", "model.keras"):
    pathlib.Path(name).write_bytes(pickle.dumps(Bomb()))
os.symlink("OUTSIDE/secret.txt", "model.h5")
print({MARKUP!r}, {STEERING!r})
print({MARKUP!r} + ": 0.99")
print("n" * 10_000 + ": 0.98")
{SCRIPT.replace("time.sleep(0.15)", "time.sleep(0.01)")}
"""


class Attacked:
    """A server that was pushed to by strangers, with all that it said."""

    def __init__(self, path: Path, served: ServedHome, mail: RunningServer) -> None:
        self.path, self.served, self.mail = path, served, mail
        self.canary, self.outside = path / "canary", path / "outside"
        self.canary.mkdir()
        self.outside.mkdir()
        (self.outside / "secret.txt").write_text(OUTSIDE)
        self.commands: set[str] = set()

    def script(self) -> str:
        return HOSTILE_SCRIPT.replace("CANARY", str(self.canary)).replace("OUTSIDE", str(self.outside))

    def attack(self) -> None:
        """Push all of it, and push from a second repository what would read the first one's poison."""
        served = self.served
        self._arm_origin()
        (served.work / "data.txt").symlink_to(self.outside / "secret.txt")
        (served.work / "requirements.txt").symlink_to(self.outside / "secret.txt")
        files = {"train.py": self.script(), "pushtune.toml": PLAIN + 'mail_attach = ["log", "patch"]\n',
                 ".gitattributes": "* filter=evil diff=evil merge=evil\n",
                 "hooks/post-checkout": f"#!/bin/sh\ntouch {self.canary}/hook\n"}  # fmt: skip
        message = f"{MARKUP} {STEERING}\n\nBcc: eve@example.org\n\n{'m' * 10_000}"
        served.commit(files, message, f'Eve {STEERING}"onload=alert(3) <eve@example.org>')
        served.push()
        served.wait_for(self._sees_trial_or_end)
        self.push = served.wait_over(1)
        served.push('HEAD:refs/heads/x"><script>alert(4)</script>')
        self._second_repository()
        served.wait_for(lambda: len(self.mail.room.arrived) >= 2)

    def _arm_origin(self) -> None:
        for name in ("post-checkout", "post-index-change", "reference-transaction", "fsmonitor-watchman"):
            hook = self.served.origin / "hooks" / name
            hook.write_text(f"#!/bin/sh\ntouch {self.canary}/{name}\n")
            hook.chmod(0o755)
        for key in ("filter.evil.smudge", "filter.evil.clean", "core.fsmonitor", "core.sshCommand"):
            self.served.git("config", key, f"touch {self.canary}/{key}", cwd=self.served.origin)
        # Git itself runs this one at a push: it is the developer's own, on the developer's machine.
        (self.served.origin / "hooks" / "reference-transaction").unlink()

    def _second_repository(self) -> None:
        served, origin = self.served, self.path / "second.git"
        served.git("init", "-q", "--bare", "-b", "main", str(origin), cwd=self.path)
        served.git("push", "-q", str(origin), "HEAD:main")
        served.run("repo", "add", str(origin), "--name", "second", "--now")
        numbers = [row["push"] for row in served.pushes() if row["repository"] == "second"]
        served.wait_over(numbers[0])

    def _sees_trial_or_end(self) -> bool:
        """Whether its trial runs; on the way every command line of this machine is noted."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                self.commands.add(" ".join(process.cmdline()))
        ended = any(row["state"] in ("done", "failed") for row in self.served.pushes())
        return ended or bool(self.served.trials())

    def printed(self, push: int = 1) -> str:
        (log,) = self.served.home.glob(f"studies/push-{push}-*/trials/0000/attempts/1/stdout.log")
        return log.read_text(errors="replace")


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    path = tmp_path_factory.mktemp("attacked")
    with mail_server(path, security="none") as mail:
        settings = {**by_mail(mail), "listen": "127.0.0.1:0"}
        with serving(path / "served", settings) as served:
            served.variables = {"PUSHTUNE_MAIL_PASSWORD": MAIL_SECRET,
                                "PUSHTUNE_WEBHOOK_SECRET_GITHUB": HOOK_SECRET}  # fmt: skip
            served.start()
            house = Attacked(path, served, mail)
            house.attack()
            yield house


def test_it_is_trained_like_any_other_and_nothing_of_it_is_run_by_the_server(attacked: Attacked) -> None:
    assert attacked.push["state"] == "done", attacked.push["reason"]
    # 4: hooks and filters, 9: pickles.
    assert list(attacked.canary.iterdir()) == []
    delivered = attacked.served.home / "delivered" / "origin" / "latest"
    models = sorted(path.name for path in delivered.glob("model*"))
    assert models
    assert all(b"touch" in (delivered / name).read_bytes() for name in models)


def test_what_links_lead_to_is_neither_read_nor_kept(attacked: Attacked) -> None:
    assert f"data: {attacked.outside}/secret.txt" in attacked.printed()
    holding = [
        path for path in attacked.served.home.rglob("*")
        if path.is_file() and not path.is_symlink() and OUTSIDE.encode() in path.read_bytes()
    ]  # fmt: skip
    assert holding == []
    assert not any(OUTSIDE in str(letter) for letter in letters(attacked.mail))


def test_no_terminal_is_steered(attacked: Attacked) -> None:
    for command in (("ps",), ("ps", "--all"), ("show", "1"), ("logs", "1")):
        said = attacked.served.run(*command).stdout
        assert said.replace("\n", "").isprintable(), command
    assert "alert(1)" in attacked.served.run("logs", "1").stdout
    assert attacked.served.log.replace("\n", "").isprintable()


def test_markup_is_text_in_the_report_and_in_the_letter(attacked: Attacked) -> None:
    page = attacked.served.home / "delivered" / "origin" / "latest" / "report.html"
    for html in (page.read_text(), *html_of(attacked.mail)):
        tags = Tags(html)
        assert "img" not in tags.found or all(source.startswith(("cid:", "data:")) for source in tags.sources)
        assert not any("alert" in script for script in tags.scripts)
        assert not any(name.startswith("on") for name in tags.attributes)
    assert not any("<script" in html for html in html_of(attacked.mail))


def test_no_header_comes_from_a_commit(attacked: Attacked) -> None:
    for letter in letters(attacked.mail):
        assert letter["Bcc"] is None
        assert letter["Cc"] is None
        assert letter["To"] == "eve@example.org"
        assert str(letter["Subject"]).isprintable()
    assert {one.recipients for one in attacked.mail.room.arrived} == {("eve@example.org",)}


def test_secrets_are_nowhere(attacked: Attacked) -> None:
    assert "environment:" in attacked.printed()
    assert "found in the server: 0 of 1" in attacked.printed()
    everything = [attacked.served.log, attacked.printed(), *attacked.commands]
    everything += [str(letter) for letter in letters(attacked.mail)]
    kept = [path for path in attacked.served.home.rglob("*") if path.is_file() and not path.is_symlink()]
    for secret in (MAIL_SECRET, HOOK_SECRET):
        assert not any(secret in text for text in everything)
        assert [path for path in kept if secret.encode() in path.read_bytes()] == []
    assert any("pushtune" in command for command in attacked.commands)


def test_one_repository_does_not_read_what_another_left(attacked: Attacked) -> None:
    assert "poisoned: False" in attacked.printed(1)
    (second,) = [row["push"] for row in attacked.served.pushes() if row["repository"] == "second"]
    assert "poisoned: False" in attacked.printed(second)


def test_names_of_any_length_stay_short_where_they_are_kept(attacked: Attacked) -> None:
    assert max(len(line) for line in attacked.served.run("show", "1").stdout.splitlines()) < 1000
    assert max(len(line) for line in attacked.served.log.splitlines()) < 1000
    assert len(json.dumps(attacked.served.show(1))) < 20_000


def test_webhooks_of_strangers_are_refused_alike(attacked: Attacked) -> None:
    body = json.dumps(
        {
            "ref": "refs/heads/main",
            "before": "a" * 40,
            "after": "b" * 40,
            "repository": {"clone_url": "https://no.example/a.git"},
        }
    )
    good = "sha256=" + hmac.new(HOOK_SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
    short, long, other = good[:-1], good + "0", "sha256=" + "0" * 64
    forged = (None, "", "sha256=", "sha256=00", "sha1=" + "0" * 40, other, short, long)
    refused = [post(attacked, body, signature) for signature in forged]
    assert set(refused) == {refused[0]}
    assert refused[0][0] == 401
    before = len(attacked.served.pushes())
    # Signed well, of a repository that nobody watches.
    assert post(attacked, body, good) == refused[0]
    assert post(attacked, "x", good, length=2**30)[0] == 413
    assert len(attacked.served.pushes()) == before


def post(
    attacked: Attacked, body: str, signature: str | None, *, delivery: str = "1", length: int | None = None
) -> tuple[int, bytes]:
    port = re.search(r"listening for webhooks on 127\.0\.0\.1:(\d+)", attacked.served.log)
    assert port is not None
    connection = http.client.HTTPConnection("127.0.0.1", int(port.group(1)), timeout=30)
    headers = {"Content-Type": "application/json", "X-GitHub-Event": "push", "X-GitHub-Delivery": delivery,
               "Content-Length": str(length or len(body))}  # fmt: skip
    if signature is not None:
        headers["X-Hub-Signature-256"] = signature
    with contextlib.closing(connection):
        connection.request("POST", "/hooks/github", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def html_of(mail: RunningServer) -> list[str]:
    bodies = [letter.get_body(("html",)) for letter in letters(mail)]
    return [str(body.get_content()) for body in bodies if body is not None]


class Tags(HTMLParser):
    """What a browser makes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()
        self.sources: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.sources += [value or "" for name, value in attrs if name == "src"]

    def handle_data(self, data: str) -> None:
        if self.lasttag == "script":
            self.scripts.append(data)


# Addresses that no git is to see.


@pytest.mark.parametrize(
    "address",
    ["--upload-pack=touch canary", "ext::touch canary", "ssh://-oProxyCommand=touch/x", "file:///etc",
     "http://127.0.0.1/a.git", "https://169.254.169.254/latest", "https://[::1]/a.git",
     "https://2130706433/a.git", "https://10.0.0.1/a.git", "https://user:token@forge.example/a.git"],
)  # fmt: skip
def test_addresses_are_refused_in_one_line(tmp_path: Path, address: str) -> None:
    served = ServedHome(tmp_path / "served", {"local": False})
    done = served.run("repo", "add", "--", address, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "token@" not in done.stderr
    assert not list(tmp_path.rglob("canary"))
    assert json.loads(served.run("repo", "list", "--json").stdout) == []


# Settings and sources that are no good: each fails its own push, and the author is told.


def test_hostile_settings_and_sources_fail_their_own_push_only(tmp_path: Path) -> None:
    deep = "[" * 50_000
    cases = [
        ({"pushtune.toml": 'script = "../../etc/passwd"\n'}, "must be a path below the repository"),
        ({"pushtune.toml": 'workdir = "/etc"\n'}, "must be a path below the repository"),
        ({"pushtune.toml": 'script = "a\\nb.py"\n'}, "must be a path below the repository"),
        ({"pushtune.toml": 'program = "../../bin/sh"\nstrategy = "program"\n'}, "below the repository"),
        ({"pushtune.toml": f"a = {deep}\n"}, "pushtune.toml cannot be read"),
        ({"pushtune.toml": "# " + "x" * 2_000_000 + "\n"}, "pushtune.toml cannot be read"),
        ({"pushtune.toml": 'mail_when = ["allways"]\n'}, "no occasion called 'allways'"),
        (
            {"pushtune.toml": PLAIN, "train.py": "x = " + "(" * 5000 + ")" * 5000},
            "too many nested parentheses",
        ),
        ({"train.py": "import tensorfow_gpu_nightlyy\n" + QUICK}, "tensorfow_gpu_nightlyy"),
    ]
    with (
        mail_server(tmp_path, security="none") as mail,
        serving(tmp_path / "served", by_mail(mail)) as served,
    ):
        served.start()
        for number, (files, why) in enumerate(cases, start=1):
            served.commit({"train.py": QUICK, **files}, f"Case {number}")
            served.push()
            push = served.wait_over(number)
            assert push["state"] == "failed", (files, push)
            assert why in push["reason"], push["reason"]
            assert "bug in pushtune" not in push["reason"]
        served.wait_for(lambda: len(mail.room.arrived) == len(cases))
        (served.work / "pushtune.toml").unlink()
        (served.work / "pushtune.toml").symlink_to("/etc/passwd")
        served.commit({"train.py": QUICK}, "A link")
        served.push()
        linked = served.wait_over(len(cases) + 1)
        assert linked["state"] == "failed"
        assert "root" not in linked["reason"]
        assert integrity(served.home) == "ok"


def test_a_value_that_is_no_number_and_a_flood_of_lines_never_win(tmp_path: Path) -> None:
    script = (
        "import os\nstep = 0\nif step == 1:\n    print('Accuracy: nan')\n"
        "elif step == 2:\n    print('Accuracy: 1e999')\n"
        "elif step == 3:\n    for part in range(100):\n        os.write(1, b'Loss: 0.1\\n' * 100_000)\n"
        "    print('Accuracy: 0.4')\nelse:\n    print('Accuracy: 0.5')\n"
    )
    tweak = (
        "import json, pathlib, sys\ntried = len(json.load(sys.stdin)['trials'])\n"
        "script = pathlib.Path('train.py')\n"
        "script.write_text(script.read_text().replace('step = 0', f'step = {tried}'))\n"
    )
    settings = 'script = "train.py"\ntarget = "accuracy>=0.9"\nstrategy = "program"\nprogram = "tweak.py"\n'
    settings += "trials = 3\nconfirm = false\n"
    with serving(tmp_path / "served", {}) as served:
        served.start()
        served.commit({"train.py": script, "tweak.py": tweak, "pushtune.toml": settings}, "Poison")
        served.push()
        push = served.wait_over(1)
        assert push["state"] == "done"
        assert (push["baseline"], push["best"]) == (0.5, 0.5)
        logs = list(served.home.glob("studies/*/trials/*/attempts/*/stdout.log*"))
        assert len({log.parent.parent.parent for log in logs}) == 4
        assert all(log.stat().st_size < 50_000_000 for log in logs)


# Deaths, full disks, clocks, and everything that is gone for a while.


TUNED = 'target = "accuracy>=0.999"\nstrategy = "program"\ntrials = 1\nconfirm_seeds = 1\n'
BETTER = """\
import pathlib

script = pathlib.Path("train.py")
script.write_text(script.read_text().replace("step = 0.5", "step = 0.9"))
"""


@pytest.mark.parametrize("when", ["after", "before"])
def test_dying_at_every_write_loses_nothing_and_does_nothing_twice(tmp_path: Path, when: str) -> None:
    with (
        mail_server(tmp_path, security="none") as mail,
        serving(tmp_path / "served", by_mail(mail)) as served,
    ):
        files = {"train.py": SCRIPT.replace("0.15", "0.05"), "tweak.py": BETTER, "pushtune.toml": TUNED}
        commit = served.commit(files, "Survive")
        served.start(odd=("--die", when))
        served.push()
        served.wait_for(lambda: mail.room.arrived, seconds=300)
        served.wait_for(lambda: not waiting_letters(served.home))
        push = served.show(1)
        assert {stage["state"] for stage in push["stages"]} == {"done"}
        assert (push["state"], push["commit"]) == ("done", commit)
        assert len(served.pushes()) == 1
        assert (
            served.git("log", "-1", "--format=%P", "pushtune/train", cwd=mirror_of(served)).strip() == commit
        )
        assert served.log.count("life ") > 10
        assert integrity(served.home) == "ok"
        assert epochs_trained_twice(served.home) == []
        # Killed between the sending and its record it is sent once more, and is known as the same.
        assert len({letter["Message-ID"] for letter in letters(mail)}) == 1
        assert len(mail.room.arrived) <= 2
        assert served.stop(signal.SIGTERM) == 0
        assert served.trials() == []


def mirror_of(served: ServedHome) -> Path:
    return served.home / "repositories" / "1.git"


def waiting_letters(home: Path) -> int:
    with contextlib.closing(sqlite3.connect(home / "ledger.db", timeout=30)) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM outbox WHERE state = 'waiting'").fetchone()[0])


def test_a_full_disk_pauses_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    need(os.geteuid() == 0, "root, to mount a small disk")
    home = tmp_path / "served" / "home"
    home.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(home)], check=False)
    need(mounted.returncode == 0, "the right to mount a small disk")
    try:
        with serving(tmp_path / "served", {}) as served:
            server = served.start()
            served.wait_for(lambda: "serving" in served.log)
            filler = home / "filler"
            fill(filler)
            served.commit({"train.py": SCRIPT, "pushtune.toml": PLAIN, "data.bin": "x" * 500_000}, "Large")
            served.push()
            served.wait_for(lambda: "full" in served.log or "No space" in served.log)
            assert server.poll() is None
            filler.unlink()
            served.wait_for(served.trials)
            fill(filler)
            served.wait_for(
                lambda: served.log.count("full") + served.log.count("No space") > 1 or not served.trials()
            )
            filler.unlink()
            push = served.wait_over(1)
            assert push["state"] == "done", push
            assert integrity(home) == "ok"
            assert epochs_trained_twice(home) == []
    finally:
        subprocess.run(["umount", "-l", str(home)], check=True)


def fill(path: Path) -> None:
    """Take what room there is on the disk of ``path``."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as stream:
        while stream.write(b"x" * 4096) == 4096:
            pass


def test_clocks_that_jump_and_mail_servers_that_are_down(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0")
    with (
        mail_server(tmp_path, security="none") as mail,
        serving(tmp_path / "served", {**by_mail(mail), "mail_always": ["ops@example.org"]}) as served,
    ):
        mail.room.answers.extend(["421 down"] * 2)
        served.start(odd=("--clock", str(clock)))
        served.commit({"train.py": SCRIPT.replace("range(5)", "range(20)"), "pushtune.toml": PLAIN}, "Jump")
        served.push()
        served.wait_for(served.trials)
        clock.write_text("86400")
        served.wait_for(
            lambda: (
                "epoch 8"
                in "".join(
                    path.read_text()
                    for path in served.home.glob("studies/*/trials/0000/attempts/1/stdout.log")
                )
            )
        )
        clock.write_text("-86400")
        push = served.wait_over(1)
        assert push["state"] == "done", push
        served.wait_for(lambda: "a letter waits" in served.log)
        clock.write_text("0")
        served.wait_for(lambda: served.show(1)["mail"][0]["error"])
        clock.write_text("7200")
        served.wait_for(lambda: mail.room.arrived)
        assert [sorted(one.recipients) for one in mail.room.arrived] == [
            ["ann@example.org", "ops@example.org"]
        ]
        assert len(list(served.home.glob("studies/*/trials/0000/attempts/*/events.jsonl"))) == 1
        served.commit({"train.py": SCRIPT, "pushtune.toml": PLAIN}, "Back")
        clock.write_text("-86400")
        served.push()
        assert served.wait_over(2)["state"] == "done"
        assert served.stop(signal.SIGTERM) == 0


def test_a_branch_that_is_overwritten_and_deleted_while_it_trains_keeps_its_history(tmp_path: Path) -> None:
    with serving(tmp_path / "served", {}, "*") as served:
        served.run("repo", "hook", "origin")
        served.start()
        slow = SCRIPT.replace("range(5)", "range(30)")
        served.commit({"train.py": slow, "pushtune.toml": PLAIN}, "Slow")
        served.git("push", "-q", "origin", "HEAD:refs/heads/topic")

        def topic() -> list[dict[str, Any]]:
            return [row for row in served.pushes() if row["branch"] == "topic"]

        served.wait_for(served.trials)
        served.git("commit", "-q", "--amend", "-m", "Overwritten")
        served.commit({"train.py": slow.replace("step = 0.5", "step = 0.4")}, "Another")
        served.git("push", "-q", "--force", "origin", "HEAD:refs/heads/topic")
        served.wait_for(lambda: len(topic()) == 2)
        served.wait_for(lambda: len(served.trials()) == 2)
        served.git("push", "-q", "origin", ":refs/heads/topic")
        moved = served.origin.rename(served.path / "away.git")
        served.wait_for(lambda: "origin does not answer" in served.log)
        for row in topic():
            assert served.wait_over(row["push"])["state"] == "done"
        moved.rename(served.origin)
        served.commit({"train.py": QUICK, "pushtune.toml": PLAIN}, "Again")
        served.git("push", "-q", "origin", "HEAD:refs/heads/topic")
        served.wait_for(lambda: len(topic()) == 3)
        assert served.wait_over(topic()[0]["push"])["state"] == "done"
