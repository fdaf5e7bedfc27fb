"""The command line that a script is given: arguments with their places, written as a shell reads them."""

from __future__ import annotations

import re
import shlex
from typing import Any

from pushtune.model.space import Value
from pushtune.source.documents.base import Leaf

_JOINED_LONG = re.compile(r"--?[^=]+=")
_JOINED_SHORT = re.compile(r"-[^-=](?!=)")


class CommandLineFormat:
    """Arguments as ``shlex.join`` writes them, on one line (but for line ends inside an argument)."""

    def load(self, text: str) -> Any:
        """See ``Format``: the list of arguments."""
        return shlex.split(text)

    def leaves(self, text: str) -> list[Leaf]:
        """See ``Format``: every argument, and behind them every value joined to its option.

        The ``3`` of ``--n=3`` and of ``-n3`` has the path of its whole argument.
        """
        wholes, parts, at = [], [], 0
        for number, argument in enumerate(shlex.split(text)):
            written = shlex.quote(argument)
            assert text.startswith(written, at), "the text is not as shlex.join writes it"
            wholes.append(Leaf((number,), at, at + len(written), argument))
            if written == argument:
                parts += [
                    Leaf((number,), at + joined.end(), at + len(argument), argument[joined.end() :])
                    for pattern in (_JOINED_LONG, _JOINED_SHORT)
                    if (joined := pattern.match(argument)) and joined.end() < len(argument)
                ]
            at += len(written) + 1
        return [*wholes, *parts]

    def written(self, value: Value, old: str) -> str:
        """See ``Format``: quoted where a shell would take it apart, whatever ``old`` was."""
        return shlex.quote(str(value))
