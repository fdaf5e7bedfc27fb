"""Runs in a throw-away container of the parent image: fetches as wheels what is missing there.

    python image_fetching.py FOLDER CHECK_HASHES BUILD CPU_INDEX [NAME …]

FOLDER holds requirements.txt and gets the wheels. CPU_INDEX has the builds for the CPU (``==1.2+cpu``) of the
packages that are named; "" for none. Standard library only: pushtune is not there.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
from typing import Any

PIP = (sys.executable, "-m", "pip")
ONLY_WHEELS = "--only-binary=:all:"


def main(folder: str, check_hashes: str, build: str, cpu_index: str = "", *cpu_names: str) -> int:
    """Fetch; return pip's exit status."""
    wheels = pathlib.Path(folder)
    shared = ["--no-input", "--disable-pip-version-check", "--cache-dir", tempfile.mkdtemp()]
    if cpu_index and check_hashes != "1" and not _fetch_cpu_builds(wheels, shared, cpu_index, cpu_names):
        return 1
    shared += ["--find-links", folder] if any(wheels.glob("*.whl")) else []
    binary = [] if build == "1" else [ONLY_WHEELS]
    report = wheels / "report.json"
    hashes = ["--require-hashes"] if check_hashes == "1" else []
    requirements = ["-r", str(wheels / "requirements.txt"), *hashes]
    found = subprocess.call(
        [*PIP, "install", "--quiet", "--dry-run", "--report", str(report), *shared, *binary, *requirements]
    )
    if found:
        return found
    items = json.loads(report.read_text(encoding="utf-8"))["install"]
    here = wheels.as_uri() + "/"
    missing = [_pin(it, bool(hashes)) for it in items if not it["download_info"]["url"].startswith(here)]
    if not missing:
        return 0
    listed = wheels / "missing.txt"
    listed.write_text("\n".join(missing) + "\n", encoding="utf-8")
    command = ["wheel", "--wheel-dir"] if build == "1" else ["download", "--dest"]
    return subprocess.call(
        [*PIP, *command, str(wheels), "--quiet", "--no-deps", *shared, *binary, *hashes, "-r", str(listed)]
    )


def _fetch_cpu_builds(wheels: pathlib.Path, shared: list[str], index: str, names: tuple[str, ...]) -> bool:
    """Fetch builds for the CPU before anything is resolved: others bring gigabytes of what GPUs need.

    The user's own pip is asked first, and the index only where that has none of its own. False: one that is
    asked for by its version (``+cpu``) is nowhere.
    """
    public = ["--index-url", index, "--timeout", "15", "--retries", "1"] if _asks_the_public_index() else []
    lines = (wheels / "requirements.txt").read_text(encoding="utf-8").splitlines()
    for line in (line for line in lines if _names(line, names)):
        pinned = line.endswith("+cpu")
        found = pinned and _download(wheels, shared, line)
        if not found and public:
            found = _download(wheels, [*shared, *public], line)
            _drop_other_builds(wheels)
        if not found and pinned:
            return False
    return True


def _names(line: str, names: tuple[str, ...]) -> bool:
    return re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0].lower().replace("_", "-") in names


def _download(wheels: pathlib.Path, options: list[str], line: str) -> bool:
    command = [*PIP, "download", "--quiet", "--no-deps", ONLY_WHEELS, "--dest", str(wheels), *options, line]
    return subprocess.call(command) == 0


def _drop_other_builds(wheels: pathlib.Path) -> None:
    """Remove what came from the user's further indexes and is no build for the CPU: it is not forced."""
    for path in wheels.glob("*.whl"):
        if "+cpu-" not in path.name:
            path.unlink()


def _asks_the_public_index() -> bool:
    """Whether the user's pip asks the public index: nobody has named another, or forbidden all."""
    said = subprocess.run([*PIP, "config", "list"], stdout=subprocess.PIPE, text=True, check=False).stdout
    return re.search(r"(?m)^[^=]*\.(?:index-url=(?!'https://pypi\.org/)|no-index=)", said) is None


def _pin(item: dict[str, Any], check: bool) -> str:
    pin: str = item["metadata"]["name"] + "==" + item["metadata"]["version"]
    if not check:
        return pin
    found = item["download_info"].get("archive_info", {})
    hashes = found.get("hashes") or dict([found["hash"].split("=", 1)] if found.get("hash") else [])
    return pin + "".join(f" --hash={kind}:{value}" for kind, value in sorted(hashes.items()))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
