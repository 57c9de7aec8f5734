"""Where acts go that do not simply go to their author.

    our answer to ann   ──► account of ann, role `reply`      post:<answer> ──► remembers that ann's account has it
    its delete          ──► our account: nothing is there     post:<answer> ──► tells ann's account

A delete names its author and no more, and the author of an answer is us; so the post remembers who was told.
"""

from typing import Any

from schemas.events import Act, Authored, Gone, GonePost

Sent = tuple[str, Any]
"""(address, event)"""


def post_address(act_id: str) -> str:
    """The address that remembers an act when nobody else can."""
    return f"post:{act_id}"


def answer(act: Act, answered: str) -> list[Sent]:
    """Our own act to the account it answers."""
    return [(answered, act), (post_address(act.id), Authored(answered, act.id, act.received_at))]


def gone(author: str, event: Gone, *, is_own: bool) -> list[Sent]:
    """A delete that names its author."""
    sent: list[Sent] = [(author, event)]
    if is_own:
        sent.append((post_address(event.id), GonePost(event.at, event.received_at)))
    return sent
