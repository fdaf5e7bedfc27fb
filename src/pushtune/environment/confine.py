"""Started in the place of a confined trial: gives up what it must not have, then becomes the trial.

Run by its path with our own Python, in isolated mode, as ``confine.py OPTIONS -- COMMAND…`` where the options
are JSON: ``{"user": [uid, gid] or null, "limits": {"NPROC": 2048, …}, "report": descriptor or null}``.
Standard library only; it imports nothing of pushtune, so that it starts in milliseconds.

It is a program of its own, not a function called between fork and exec: that would run in a copy of a
process with threads, where any lock may be held for ever.
"""

import ctypes
import json
import os
import resource
import sys

_PR_SET_NO_NEW_PRIVS = 38
_PR_CAPBSET_DROP = 24
_CAPABILITIES_TO_LOOK = {"SYS_PTRACE": 19, "SYS_ADMIN": 21, "PERFMON": 38}


def main() -> None:
    """Confine this process and become the command; where that fails, say why to who waits, and end."""
    options, command = json.loads(sys.argv[1]), sys.argv[3:]
    report = options.get("report")
    if report is not None:
        # Closed as the command begins: that tells whoever waits that it did.
        os.set_inheritable(report, False)
    try:
        confine(options["user"], options["limits"])
        os.execvp(command[0], command)  # noqa: S606 - a command line, and no shell
    except (OSError, ValueError) as error:
        said = f"{command[0]}: {error}"
        if report is not None:
            os.write(report, said.encode(errors="replace"))
        sys.exit(f"pushtune: cannot start {said}")


def confine(user: "list[int] | None", limits: "dict[str, int]") -> None:
    """Set the limits, give up every other identity, and make sure that none can be gained again."""
    for name, value in limits.items():
        _limit(getattr(resource, f"RLIMIT_{name}"), value)
    if user is not None:
        uid, gid = user
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    os.umask(0o077)
    libc = ctypes.CDLL(None, use_errno=True)
    # A trial of a server that is root, and as which it runs, must not look into the server all the same.
    # Where this is refused there is no such right either.
    for capability in _CAPABILITIES_TO_LOOK.values():
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs is refused")


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


if __name__ == "__main__":
    main()
