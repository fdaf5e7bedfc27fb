"""The forges whose webhooks are understood: one file each."""

from __future__ import annotations

from pushtune.watch.forges.base import Forge
from pushtune.watch.forges.bitbucket import Bitbucket
from pushtune.watch.forges.gitea import Gitea
from pushtune.watch.forges.github import GitHub
from pushtune.watch.forges.gitlab import GitLab

FORGES: dict[str, Forge] = {
    "github": GitHub(),
    "bitbucket": Bitbucket(),
    "gitea": Gitea(),
    "forgejo": Gitea("forgejo"),
    "gitlab": GitLab(),
}
"""By the last part of the address that their webhooks are sent to."""
