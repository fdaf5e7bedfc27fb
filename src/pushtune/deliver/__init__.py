"""The result handed back: a branch with the winner as one commit, and the files under a stable path."""

from pushtune.deliver.branch import COMMITTER, Delivered, Delivery, branch_name, deliver_branch, push_branch
from pushtune.deliver.files import DeliveredFiles, FileLimits, LeftOut, deliver_files, point_latest
from pushtune.deliver.message import Reached, Told

__all__ = [
    "COMMITTER",
    "Delivered",
    "DeliveredFiles",
    "Delivery",
    "FileLimits",
    "LeftOut",
    "Reached",
    "Told",
    "branch_name",
    "deliver_branch",
    "deliver_files",
    "point_latest",
    "push_branch",
]
