"""The one tree of errors.

A ``PushtuneError`` is the user's to mend: it prints as one line, with the fix. Anything else that
reaches the outer boundary is ours: its traceback goes to a log and the line says where.

PushtuneError
    UsageError              wrong arguments, settings, or a file that is not there      exit 2
        SettingsError       a setting has a value it cannot have
        StudyBusyError      another command works on this study
        NothingToTuneError  the script has no knob and no move
    ScriptError             the script itself fails, unchanged                           exit 4
        UnparsableError     it is not Python that this interpreter can parse
        MetricError         it ran, and the metric was not found
        CrashLoopError      its process died, or hung, again and again
    MachineError            the machine lacks something: disk, memory, an interpreter    exit 2
        BuildError          an image or a virtual environment cannot be made
    MailError               a letter could not be handed to the mail server
        MailRefusedError    it refuses this letter, or all who should get it, for good
        MailLaterError      it cannot be reached, or cannot take it now: try again
    InfeasibleError         an assignment that cannot be applied to this source (never leaves the program)
"""

from __future__ import annotations


class PushtuneError(Exception):
    """Something the user can mend. ``str()`` is one line; ``fix`` says what to do about it."""

    exit_code = 2

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


class UsageError(PushtuneError):
    """Wrong arguments, settings, or a file that is not there."""


class SettingsError(UsageError):
    """A setting has a value it cannot have."""


class StudyBusyError(UsageError):
    """Another command works on this study."""


class NothingToTuneError(UsageError):
    """The script has no knob and no move."""


class ScriptError(PushtuneError):
    """The script itself fails, unchanged. ``details`` are its traceback's last lines, or nothing."""

    exit_code = 4

    def __init__(self, message: str, *, fix: str = "", details: str = "") -> None:
        super().__init__(message, fix=fix)
        self.details = details


class UnparsableError(ScriptError):
    """The source is not Python that this interpreter can parse."""


class MetricError(ScriptError):
    """The script ran, and the metric was not found."""


class CrashLoopError(ScriptError):
    """The script's process died, or hung, again and again."""


class MachineError(PushtuneError):
    """The machine lacks something: disk, memory, an interpreter."""


class MailError(PushtuneError):
    """A letter could not be handed to the mail server."""


class MailRefusedError(MailError):
    """The server refuses the letter, or all who should get it, for good; the message says whom and why."""


class MailLaterError(MailError):
    """The server cannot be reached, or cannot take the letter now: it is to be tried again."""


class BuildError(MachineError):
    """An image or a virtual environment cannot be made. ``details`` are the last lines of what was said."""

    def __init__(self, message: str, *, fix: str = "", details: str = "") -> None:
        super().__init__(message, fix=fix)
        self.details = details


class InfeasibleError(PushtuneError):
    """An assignment that cannot be applied to this source; the scheduler is told, the user is not."""
