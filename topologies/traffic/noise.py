"""What everybody else says: nothing of it concerns the brand. Mostly Bluesky, mostly likes, as in a real firehose."""

from topologies.traffic.people import Account
from topologies.traffic.posts import Kind, Post
from topologies.traffic.stage import Stage
from topologies.traffic.texts import chat

_KINDS: tuple[Kind, ...] = ("like", "post", "reply", "repost", "follow")
_SHARES = (46, 24, 14, 9, 4)
_REMEMBERED = 200


def chatter(stage: Stage) -> None:
    """One more payload nobody asked for. A few are by customers: they have a life, too."""
    rnd = stage.rnd
    luck = rnd.random()
    person = rnd.choice(stage.cast.crowd if rnd.random() < 0.93 else stage.cast.strangers)
    account = rnd.choice(person.accounts)
    if account.platform == "x" and luck < 0.9:
        # The filtered stream brings little that does not match.
        account = rnd.choice(stage.cast.on_bluesky)
    if account.platform == "bluesky" and luck < 0.03:
        stage.other(account)
    elif luck < 0.06 and stage.chat:
        stage.delete(stage.chat.pop(rnd.randrange(len(stage.chat))))
    else:
        _act(stage, account)


def _act(stage: Stage, account: Account) -> None:
    rnd = stage.rnd
    kind: Kind = rnd.choices(_KINDS, _SHARES)[0]
    if account.platform != "bluesky" and kind in {"like", "follow"}:
        kind = "post"
    posts = [post for post in stage.chat[-40:] if post.account.platform == account.platform]
    target: Post | None = rnd.choice(posts) if posts and kind != "post" else None
    if target is None:
        kind = "post"
    text, lang = chat(rnd, account.lang) if kind in {"post", "reply"} else ("", "en")
    post = stage.do(account, kind, text, lang, target, is_relevant=False)
    if kind in {"post", "reply"}:
        stage.chat.append(post)
        del stage.chat[:-_REMEMBERED]
