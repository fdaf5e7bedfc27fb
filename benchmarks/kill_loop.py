"""A monkey: ``kill -9`` of the server, of a trial, or of both, while pushes go through their stages.

A real server, real git pushes with a hook, real processes, a real mail server; a training script without
any framework. A developer pushes a new script whenever fewer than two pushes are under way, and kills fall
at random moments, every second one right at a change of a push's stage. After the last kill everything is
let come to its end.

* ``kills``           how many there were;
* ``lost``            pushes that did not end in their right state, or whose mail or branch did not come;
* ``doubled``         epochs that were trained again although their checkpoint was whole;
* ``orphans``         processes of trials that lived on after the end;
* ``repeated_mails``  letters that came more than once (once each may be: killed between send and record);
* ``thrice_mailed``   letters that came more than twice.

What is chosen follows from the seed, which is printed; when it falls does not: the machine decides.

Usage: ``python benchmarks/kill_loop.py [--kills N] [--seed N] [--json FILE] [--keep FOLDER]``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from figures import report

from pushtune.testing.mail_server import RunningServer, mail_server
from pushtune.testing.served import SCRIPT, ServedHome, epochs_trained_twice

SETTINGS = """\
target = "accuracy>=0.999"
strategy = "program"
trials = 3
patience = 3
confirm_seeds = 1
"""

TWEAK = """\
import json, pathlib, re, sys

tried = len(json.load(sys.stdin)["trials"])
script = pathlib.Path("train.py")
text = script.read_text()
step = float(re.search(r"step = ([0-9.]+)", text).group(1))
script.write_text(re.sub(r"step = [0-9.]+", f"step = {step + 0.1 * tried:.3f}", text))
"""
UNDER_WAY = 2
END_SECONDS = 600.0


@dataclass
class Monkey:
    """Pushes, kills, and remembers what should come of it."""

    served: ServedHome
    mail: RunningServer
    chance: random.Random
    kills: int = 0
    pushed: dict[str, str] = field(default_factory=dict)

    def run(self, kills: int) -> None:
        """Kill so many times, then let everything come to its end."""
        self.served.start()
        while self.kills < kills:
            if self._under_way() < UNDER_WAY:
                self._push()
            self._wait()
            self._kill()
        self.served.wait_for(lambda: self._under_way() == 0, seconds=END_SECONDS)
        self.served.wait_for(lambda: not self._letters_waiting(), seconds=60)
        self.served.stop()

    def _push(self) -> None:
        number = len(self.pushed) + 1
        step = round(0.2 + 0.6 * self.chance.random(), 3)
        text = SCRIPT.replace("step = 0.5", f"step = {step}")
        commit = self.served.commit(
            {"train.py": text, "tweak.py": TWEAK, "pushtune.toml": SETTINGS}, f"Try step {step} ({number})"
        )
        self.pushed[commit] = text
        self.served.push()
        seen = lambda: any(row["commit"] == commit for row in self._rows())  # noqa: E731
        self.served.wait_for(seen, seconds=60)

    def _wait(self) -> None:
        """Wait a random while, or until a push changes its stage."""
        if self.chance.random() < 0.5:
            time.sleep(2.0 * self.chance.random())
            return
        before, end = self._stages(), time.monotonic() + 10
        while self._stages() == before and time.monotonic() < end:
            time.sleep(0.002)
        time.sleep(0.02 * self.chance.random())

    def _kill(self) -> None:
        what = self.chance.choice(("server", "trial", "both"))
        trials = self.served.trials()
        if what != "server" and trials:
            with contextlib.suppress(psutil.NoSuchProcess):
                self.chance.choice(trials).kill()
        if what != "trial" or not trials:
            self.served.kill()
            time.sleep(0.3 * self.chance.random())
            self.served.start()
        self.kills += 1
        print(f"kill {self.kills}: {what}; {len(self.pushed)} pushes", file=sys.stderr)

    # What the ledger says, read beside the server.

    def _query(self, query: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self.served.home / "ledger.db", timeout=30)) as connection:
            return connection.execute(query).fetchall()

    def _rows(self) -> list[dict[str, Any]]:
        found = self._query('SELECT id, state, "commit" FROM pushes')
        return [{"push": row[0], "state": row[1], "commit": row[2]} for row in found]

    def _stages(self) -> list[tuple[Any, ...]]:
        return self._query("SELECT push, name, state FROM stages")

    def _under_way(self) -> int:
        return sum(1 for row in self._rows() if row["state"] in ("queued", "running"))

    def _letters_waiting(self) -> bool:
        return bool(self._query("SELECT id FROM outbox WHERE state = 'waiting'"))

    # What came of it.

    def figures(self) -> dict[str, float]:
        """Return the figures, after ``run``."""
        (whole,) = self._query("PRAGMA integrity_check")[0]
        assert whole == "ok", whole
        letters = Counter(_header(letter.body, b"Message-ID") for letter in self.mail.room.arrived)
        lost = self._lost()
        for line in lost:
            print(f"lost: {line}", file=sys.stderr)
        doubled = epochs_trained_twice(self.served.home)
        for line in doubled:
            print(f"doubled: {line}", file=sys.stderr)
        orphans = self.served.trials()
        for process in orphans:
            process.kill()
        return {
            "kills": self.kills,
            "pushes": len(self.pushed),
            "lost": len(lost),
            "doubled": len(doubled),
            "orphans": len(orphans),
            "repeated_mails": sum(1 for count in letters.values() if count > 1),
            "thrice_mailed": sum(1 for count in letters.values() if count > 2),
        }

    def _lost(self) -> list[str]:
        rows = self._rows()
        wrong = []
        for commit in self.pushed:
            of_commit = [row for row in rows if row["commit"] == commit]
            if len(of_commit) != 1:
                wrong.append(f"{commit}: {len(of_commit)} pushes")
                continue
            push, state = of_commit[0]["push"], of_commit[0]["state"]
            if state == "superseded":
                continue
            sent = self._query(f"SELECT COUNT(*) FROM outbox WHERE push = {push} AND state = 'sent'")[0][0]
            if state != "done" or sent != 1:
                wrong.append(f"push {push}: {state}, {sent} letters sent")
        return wrong


def _header(body: bytes, name: bytes) -> bytes:
    for line in body.splitlines():
        if line.lower().startswith(name.lower() + b":"):
            return line.partition(b":")[2].strip()
    return b""


def run(folder: Path, kills: int, seed: int) -> dict[str, float]:
    """Run the monkey below ``folder`` and return its figures."""
    with mail_server(folder, security="starttls", login=True) as mail:
        password = folder / "password"
        password.write_text(mail.settings.password, encoding="utf-8")
        served = ServedHome(
            folder / "served",
            {
                "mail_server": f"{mail.settings.host}:{mail.settings.port}",
                "mail_user": mail.settings.user,
                "mail_password_file": str(password),
                "mail_ca_file": mail.settings.ca_file,
                "mail_from": mail.settings.sender,
            },
        )
        served.make_repository({})
        monkey = Monkey(served, mail, random.Random(seed))
        try:
            monkey.run(kills)
        finally:
            if served.server is not None and served.server.poll() is None:
                served.kill()
        return monkey.figures()


def main() -> None:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--json", type=Path, default=None)
    parser.add_argument("--keep", type=Path, default=None, help="work in this folder and leave it")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(2**32) if given.seed is None else given.seed
    print(f"seed {seed}")
    with contextlib.ExitStack() as stack:
        folder = given.keep or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="pushtune-monkey-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        figures = run(folder, given.kills, seed)
    for name, value in figures.items():
        print(f"{name}: {value:g}")
    if given.json is not None:
        given.json.write_text(json.dumps(report("kill_loop", {**figures, "seed": seed}), indent=1))
    wrong = figures["lost"] + figures["doubled"] + figures["orphans"] + figures["thrice_mailed"]
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
