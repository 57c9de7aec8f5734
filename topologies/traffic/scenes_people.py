"""What people do: short scenes, each a generator that says how many seconds pass until it goes on.

complaint ──20 s──► our answer ──15 s──► thanks, or worse
"""

from topologies.traffic import who
from topologies.traffic.people import PLATFORMS, Platform
from topologies.traffic.stage import Scene, Stage
from topologies.traffic.texts import Mood


def remark(stage: Stage) -> Scene:
    """Somebody says something about the brand. A little of it is soon deleted, or edited."""
    rnd, person = stage.rnd, who.a_person(stage)
    post = stage.say(person, who.a_mood(rnd, person))
    if rnd.random() < 0.05:
        yield rnd.uniform(10, 60)
        stage.delete(post)
    elif rnd.random() < (0.005 if post.account.platform == "bluesky" else 0.06):
        yield rnd.uniform(5, 40)
        stage.edit(post, f"{post.text} (edit: typo)")


def news(stage: Stage) -> Scene:
    """The brand says something, and people answer it, like it, pass it on."""
    rnd = stage.rnd
    platform: Platform = rnd.choices(PLATFORMS, (60, 25, 15))[0]
    stage.announce(platform, "news")
    for _ in range(rnd.randint(6, 20)):
        yield rnd.expovariate(1 / 4)
        yield from _react(stage, platform)


def reaction(stage: Stage) -> Scene:
    """Somebody reacts to one of the last things the brand said."""
    platform: Platform = stage.rnd.choices(PLATFORMS, (70, 18, 12))[0]
    return _react(stage, platform) if stage.news[platform] else remark(stage)


def follow(stage: Stage) -> Scene:
    """Somebody follows the brand, which only Bluesky tells."""
    posts = stage.news["bluesky"]
    if posts:
        stage.do(who.on(stage, "bluesky")[1], "follow", target=posts[-1])
    else:
        stage.announce("bluesky", "news")
    yield from ()


def complaint(stage: Stage) -> Scene:
    """A complaint, our answer, and how it was taken."""
    rnd, person = stage.rnd, who.a_person(stage)
    is_angry = rnd.random() < (0.5 if person.temper == "grumpy" else 0.15)
    post = stage.say(person, "angry" if is_angry else "complaint")
    yield rnd.uniform(12, 50)
    answer = stage.announce(post.account.platform, "answer", post)
    yield rnd.uniform(8, 40)
    stage.say(person, "thanks" if rnd.random() < (0.5 if is_angry else 0.8) else "still angry", answer)


def streak(stage: Stage) -> Scene:
    """A customer gets angrier and angrier; then says good-bye, calls a lawyer, calms down, or takes it back."""
    rnd, person = stage.rnd, who.a_customer(stage).person
    for _ in range(rnd.randint(2, 4)):
        post = stage.say(person, rnd.choice(("complaint", "angry")))
        yield rnd.uniform(4, 18)
    match rnd.choices(("leaving", "legal", "calm", "regret"), (30, 8, 45, 17))[0]:
        case "leaving":
            stage.say(person, "leaving")
        case "legal":
            stage.say(person, "legal")
        case "calm":
            answer = stage.announce(post.account.platform, "answer", post)
            yield rnd.uniform(10, 30)
            stage.say(person, "thanks", answer)
        case _:
            # And so is the alert that rested on it.
            stage.delete(post)


def absence(stage: Stage) -> Scene:
    """A Bluesky account is deactivated, and some time later is back."""
    person, account = who.on(stage, "bluesky")
    stage.say(person, "neutral")
    yield stage.rnd.uniform(5, 20)
    stage.leave(account, is_away=True)
    yield stage.rnd.uniform(15, 90)
    stage.leave(account, is_away=False)


def _react(stage: Stage, platform: Platform) -> Scene:
    rnd, (person, account) = stage.rnd, who.on(stage, platform)
    post = rnd.choice(stage.news[platform])
    if platform == "bluesky" and rnd.random() < 0.55:
        like = stage.do(account, "like", target=post)
        if rnd.random() < 0.06:
            yield rnd.uniform(3, 30)
            stage.delete(like)
    elif rnd.random() < 0.45:
        stage.do(account, "repost", target=post)
    else:
        mood: Mood = rnd.choices(("comment", "praise", "complaint"), (6, 2, 1))[0]
        stage.say(person, mood, post, "quote" if rnd.random() < 0.2 else None)
