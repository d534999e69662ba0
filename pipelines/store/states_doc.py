"""``python -m pipelines.store.states_doc``: draws ``docs/states.md`` from the table of moves, so that the picture is never another than the code."""

import re
from pathlib import Path

from pipelines.store.states import LIVE, TRANSITIONS, UNFINISHED, WAITING, State

PATH = Path(__file__).resolve().parents[2] / "docs" / "states.md"

_HEAD = """# States of a submission

Made by `python -m pipelines.store.states_doc` from `pipelines/store/states.py`; do not edit. The ledger enforces these moves in
the transaction that makes them, and writes each into the audit log.

"""


def meanings() -> dict[State, str]:
    """What each state means, from the docstring of `State`."""
    told = " ".join((State.__doc__ or "").split())
    parts = re.split(r"(?:^|\s)([A-Z_]{5,}): ", told)
    return {State[name]: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def render() -> str:
    lines = [_HEAD.rstrip("\n"), "", "```mermaid", "stateDiagram-v2", f"    [*] --> {State.RECEIVED}"]
    lines += [
        f"    {before} --> {after}" for before in State for after in State if after in TRANSITIONS[before]
    ]
    lines += ["```", "", "| State | Means | Moves to |", "| --- | --- | --- |"]
    told = meanings()
    for state in State:
        after = ", ".join(f"`{each}`" for each in State if each in TRANSITIONS[state])
        lines.append(f"| `{state}` | {told[state]} | {after} |")
    lines.append("")
    for name, states, text in (
        ("Unfinished", UNFINISHED, "the next start of the worker goes on with them"),
        ("Waiting", WAITING, "for a person, or for their day"),
        ("Live", LIVE, "their rows are in the newest version"),
    ):
        listed = ", ".join(f"`{each}`" for each in State if each in states)
        lines.append(f"- {name} ({text}): {listed}.")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PATH.write_text(render(), encoding="utf-8")
