"""A tweak program for `pushtune tune train.py --strategy program --program tweak.py`.

It reads what has been tried as JSON on standard input and prints what to try next, or nothing when it has
no more ideas. This one goes back to the best trial so far and changes one setting of it: a number is halved
or doubled, a choice is replaced by another.
"""

import json
import sys


def variants(parameter, value):
    """The values to try instead of `value`."""
    domain = parameter["domain"]
    if domain["type"] == "categorical":
        return [choice for choice in domain["choices"] if choice != value]
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return []
    whole = domain["type"] == "int"
    tries = [value * 2, value // 2 if whole else value / 2]
    return [new for new in tries if domain["low"] <= new <= domain["high"] and new != value]


def proposals(best, parameters):
    """Every assignment that differs from the best one in a single setting."""
    for parameter in parameters:
        name = parameter["name"]
        for new in variants(parameter, best.get(name, parameter["value"])):
            others = {other: value for other, value in best.items() if other != name}
            # The author's own value needs no naming; so two ways to say the same are one.
            yield others if new == parameter["value"] else {**others, name: new}


study = json.load(sys.stdin)
finished = [trial for trial in study["trials"] if trial["value"] is not None]
tried = [trial["assignment"] for trial in study["trials"]]
pick = max if study["direction"] == "max" else min
best = pick(finished, key=lambda trial: trial["value"])["assignment"] if finished else {}

for proposal in proposals(best, study["parameters"]):
    if proposal not in tried:
        print(json.dumps({"assignment": proposal}))
        break
