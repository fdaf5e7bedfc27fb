"""How news of a push comes in: polling, webhooks, hooks in local repositories."""
