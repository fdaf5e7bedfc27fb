"""How news of a push comes in: polling, webhooks, hooks in local repositories.

None of them is believed. What a webhook or a hook tells makes a known repository be looked at sooner
(``Polling.hurry``); what is seen there is the news.
"""
