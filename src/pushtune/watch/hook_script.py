"""The hook itself, in plain POSIX sh: it must run where there is no Python, and never hold up a push."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from pushtune.watch.inbox import ENDED, HEADING, MOST_BRANCHES, PART, Entry

MARK = "# pushtune-hook 1"
"""The line by which a hook is known to be ours."""

# Run by `sh -c` with inbox, name, hook, and lines of `old new reference` as its input. Nobody waits for it,
# so that a folder that hangs hangs nobody. It holds no single quote.
_WRITER = rf"""
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_QUARANTINE_PATH
umask 022
# Never through a file that is there already.
set -C
cd "$1" || exit 0
file=$(date +%s)-$$
(
    printf "{HEADING}\nname %s\nhook %s\n" "$2" "$3" || exit 1
    count=0
    while [ $count -lt {MOST_BRANCHES} ] && read -r old new reference; do
        case $reference in refs/heads/*)
            printf "ref %s %s\n" "$new" "$reference" || exit 1
            count=$((count + 1)) ;;
        esac
    done
    [ $count -gt 0 ] && printf "{ENDED}\n"
) > ".$file{PART}" && mv ".$file{PART}" "$file.push" || rm -f ".$file{PART}"
"""

_HOOK = """#!/bin/sh
{mark}
# Tells Pushtune of news: `pushtune repo hook` wrote this and can take it away again.
# It cannot fail, and waits for nothing: what takes time is done by a process of its own.
# A hook that was here before is beside it, as {hook}.before-pushtune, and is called at the end.

writer={writer}

{gather}
here=$({where}) && here=$(cd "$here" && pwd -P)
apart=
command -v setsid >/dev/null 2>&1 && apart=setsid
command -v timeout >/dev/null 2>&1 && apart="$apart timeout 60"

tell() {{
    [ "$here" = "$1" ] && [ -n "$moved" ] || return 0
    {{
        printf '%s\\n' "$moved" | $apart sh -c "$writer" pushtune "$2" "$3" {hook} &
    }} </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
}}

{tells}

before="${{0%/*}}/{hook}.before-pushtune"
[ -x "$before" ] || exit 0
{chain}
"""

_RECEIVED = """given=$(cat 2>/dev/null)
moved=$given"""

_COMMITTED = """given={given}
moved=
if branch=$(git symbolic-ref -q HEAD 2>/dev/null) &&
    commit=$(git rev-parse -q --verify HEAD 2>/dev/null); then
    moved="- $commit $branch"
fi"""

_WITH_INPUT = """printf '%s' "$given${given:+
}" | "$before" "$@\""""


def script(hook: str, entries: Sequence[Entry]) -> str:
    """Return the text of ``hook`` (its name says what git gives to it) that tells all ``entries``."""
    received, given = hook == "post-receive", hook in ("post-receive", "post-rewrite")
    gather = _RECEIVED if received else _COMMITTED.format(given="$(cat 2>/dev/null)" if given else "")
    return _HOOK.format(
        mark=MARK,
        hook=hook,
        writer=shlex.quote(_WRITER),
        gather=gather,
        where="echo ." if received else "git rev-parse --git-common-dir 2>/dev/null",
        tells="\n".join(_tell(entry) for entry in entries),
        chain=_WITH_INPUT if given else 'exec "$before" "$@"',
    )


def _tell(entry: Entry) -> str:
    # Always quoted, so that it reads the same to a person whatever the path is.
    return "tell " + " ".join("'" + part.replace("'", "'\"'\"'") + "'" for part in entry.parts)
