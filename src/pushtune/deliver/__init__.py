"""The result handed back: a branch with the winner as one commit, and the files under a stable path."""
