"""All that is asked of git. No hook, filter, monitor or prompt of a repository runs through here."""

from pushtune.git.addresses import Address, check_address, check_reachable
from pushtune.git.export import Limits
from pushtune.git.mirror import ABSENT, Mirror
from pushtune.git.names import OURS, check_branch, check_commit, check_path, is_branch, is_ours
from pushtune.git.records import Commit, Person, TreeFile, one_line
from pushtune.git.remote import Credentials, Heads, list_heads
from pushtune.git.worktree import apply_patch, head, is_repository, top_level, tracked_and_unignored

__all__ = [
    "ABSENT",
    "OURS",
    "Address",
    "Commit",
    "Credentials",
    "Heads",
    "Limits",
    "Mirror",
    "Person",
    "TreeFile",
    "apply_patch",
    "check_address",
    "check_branch",
    "check_commit",
    "check_path",
    "check_reachable",
    "head",
    "is_branch",
    "is_ours",
    "is_repository",
    "list_heads",
    "one_line",
    "top_level",
    "tracked_and_unignored",
]
