"""Whatever moment it is killed at, the next try finds its way: nothing torn, lost, or left over."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from pushtune.git import Mirror, Person
from pushtune.testing.git_origins import Origin

KILLS = 8

_ONCE = """
import sys
from pathlib import Path
from pushtune.git import Mirror, Person, check_address

origin, place, sha, push = sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4]
mirror = Mirror(place / "repositories" / "1.git")
print("begun", flush=True)
mirror.fetch(check_address(origin, allow_local=True))
mirror.export(sha, place / "pushes" / push / "checkout")
person = Person("A", "a@example.org")
winner = mirror.commit_files(sha, {"train.py": b"units = 2"}, "Winner", person, 0, person)
mirror.set_branch(f"pushtune/p{push}", winner)
print("done", flush=True)
"""


def _start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _ONCE, *map(str, arguments)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "begun\n"
    return child


def _commit(origin: Origin, number: int, files: int) -> str:
    for name in range(files):
        origin.write(f"data/{number}-{name}.txt", f"{number} {name}\n" * 200)
    origin.write("train.py", f"units = {number}\n")
    return origin.commit(f"Push {number}")


def test_killed_at_any_moment_the_next_try_goes_on(tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    chance = random.Random(seed)
    origin = Origin(tmp_path / "origin")
    _commit(origin, 0, 5)
    mirror = Mirror(tmp_path / "repositories" / "1.git")
    known: list[str] = []
    for number in range(KILLS):
        sha = _commit(origin, number, 30)
        child = _start(origin.root, tmp_path, sha, number)
        time.sleep(chance.uniform(0.0, 0.12))
        child.kill()
        child.communicate()
        # As it is killed, git itself may live on for a moment beside the next try.
        again = _start(origin.root, tmp_path, sha, number)
        assert again.communicate()[0] == "done\n"
        assert again.returncode == 0
        known.append(sha)
        checkout = tmp_path / "pushes" / str(number) / "checkout"
        assert (checkout / "train.py").read_text() == f"units = {number}\n"
        assert len(list((checkout / "data").iterdir())) == len(mirror.files(sha)) - 1
        left = [path.name for path in checkout.parent.iterdir()]
        assert sorted(left) == [".checkout.commit", "checkout"]
    person = Person("A", "a@example.org")
    for number, sha in enumerate(known):
        assert mirror.branch(f"pushtune/p{number}") == mirror.commit_files(
            sha, {"train.py": b"units = 2"}, "Winner", person, 0, person
        )
    assert [path.name for path in mirror.path.parent.iterdir() if path.name.startswith(".")] == []
    subprocess.run(["git", "-C", mirror.path, "fsck", "--strict", "--no-dangling"], check=True)
