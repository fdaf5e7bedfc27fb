"""One candidate being trained: its folder, workspace, plan, events and end."""
