"""The form in which every benchmark writes its figures."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any


def report(name: str, figures: Mapping[str, float]) -> dict[str, Any]:
    """Return ``figures`` with the benchmark's name, today's date and the machine."""
    machine = f"{platform.machine()} {platform.system()}, {os.cpu_count()} cores"
    return {
        "name": name,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": f"{machine}, Python {platform.python_version()}",
        "figures": dict(figures),
    }
