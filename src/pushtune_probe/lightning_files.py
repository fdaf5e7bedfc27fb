"""The folders that Lightning numbers (``version_0``): a resumed script must get the number that it had."""

from __future__ import annotations

import os
import re

_NUMBERED = re.compile(r"version_\d+")


def hide_versions(workspace: str, saved: str) -> None:
    """Take the numbered folders that came back with a checkpoint out of ``workspace``.

    A logger looks for the first number that is free. The files are below ``saved`` too, from where they
    come back once training goes on; nothing else is removed.
    """
    for base, _, names in os.walk(saved, topdown=False):
        place = os.path.relpath(base, saved)
        if not any(_NUMBERED.fullmatch(part) for part in place.split(os.sep)):
            continue
        target = os.path.join(workspace, place)
        for name in names:
            path = os.path.join(target, name)
            if os.path.isfile(path) and not os.path.islink(path):
                os.remove(path)
        if os.path.isdir(target) and not os.listdir(target):
            os.rmdir(target)
