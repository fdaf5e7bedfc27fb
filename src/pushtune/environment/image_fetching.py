"""Runs in a throw-away container of the parent image: fetches as wheels what is missing there.

    python image_fetching.py FOLDER CHECK_HASHES BUILD

FOLDER holds requirements.txt and gets the wheels. Standard library only: pushtune is not there.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
from typing import Any


def main(folder: str, check_hashes: str, build: str) -> int:
    """Fetch; return pip's exit status."""
    wheels = pathlib.Path(folder)
    pip = [sys.executable, "-m", "pip"]
    shared = ["--no-input", "--disable-pip-version-check", "--cache-dir", tempfile.mkdtemp()]
    binary = [] if build == "1" else ["--only-binary=:all:"]
    report = wheels / "report.json"
    hashes = ["--require-hashes"] if check_hashes == "1" else []
    requirements = ["-r", str(wheels / "requirements.txt"), *hashes]
    found = subprocess.call(
        [*pip, "install", "--quiet", "--dry-run", "--report", str(report), *shared, *binary, *requirements]
    )
    if found:
        return found
    missing = [_pin(item, bool(hashes)) for item in json.loads(report.read_text(encoding="utf-8"))["install"]]
    if not missing:
        return 0
    listed = wheels / "missing.txt"
    listed.write_text("\n".join(missing) + "\n", encoding="utf-8")
    command = ["wheel", "--wheel-dir"] if build == "1" else ["download", "--dest"]
    return subprocess.call(
        [*pip, *command, str(wheels), "--quiet", "--no-deps", *shared, *binary, *hashes, "-r", str(listed)]
    )


def _pin(item: dict[str, Any], check: bool) -> str:
    pin: str = item["metadata"]["name"] + "==" + item["metadata"]["version"]
    if not check:
        return pin
    found = item["download_info"].get("archive_info", {})
    hashes = found.get("hashes") or dict([found["hash"].split("=", 1)] if found.get("hash") else [])
    return pin + "".join(f" --hash={kind}:{value}" for kind, value in sorted(hashes.items()))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
