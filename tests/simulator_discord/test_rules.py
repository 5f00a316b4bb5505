"""The pure rules: whom a text pings, and how many calls fit into a window."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.simulator.discord.rest import bodies
from bot.simulator.discord.rest.bodies import Body
from bot.simulator.discord.rest.limits import Limits, limit_of
from bot.simulator.discord.world.mentions import evaluate
from bot.simulator.discord.world.model import Snowflakes
from bot.simulator.discord.world.refusals import RefusedError
from bot.simulator.discord.world.settings import Settings
from bot.simulator.discord.world.world import World

IDS = ["1", "2", "3"]
PIECES = st.sampled_from(["<@1>", "<@!2>", "<@9>", "<@&3>", "<@&1>", "@everyone", "@here", "word", "`", "@", "<@"])
TEXTS = st.lists(PIECES, max_size=8).map(" ".join)


@st.composite
def alloweds(draw):
    parse = draw(st.lists(st.sampled_from(["users", "roles", "everyone"]), unique=True))
    allowed = {"parse": parse, "replied_user": draw(st.booleans())}
    for kind in ("users", "roles"):
        if kind not in parse:
            allowed[kind] = draw(st.lists(st.sampled_from(IDS), unique=True))
    return allowed


def check_pings(text, allowed):
    pings = evaluate(text, allowed, users=IDS, roles=IDS, replied_to="3")
    everything = evaluate(text, None, users=IDS, roles=IDS, replied_to="3")
    assert set(pings.users) <= set(everything.users) | {"3"}
    assert set(pings.roles) <= set(everything.roles)
    assert pings.everyone <= everything.everyone
    assert pings.everyone == (everything.everyone and "everyone" in allowed["parse"])
    assert allowed["replied_user"] <= ("3" in pings.users)
    if "users" not in allowed["parse"]:
        assert set(pings.users) <= {*allowed["users"], *(["3"] if allowed["replied_user"] else [])}


@given(TEXTS, alloweds())
@settings(max_examples=150)
def test_allowed_mentions_only_ever_takes_pings_away(text, allowed):
    check_pings(text, allowed)


@pytest.mark.long
@given(TEXTS, alloweds())
@settings(max_examples=10_000, deadline=None)
def test_allowed_mentions_only_ever_takes_pings_away_over_many_texts(text, allowed):
    check_pings(text, allowed)


def check_window(gaps):
    limits, now_s, landed = Limits(), 0.0, []
    calls, per_s = limit_of("POST", "/channels/{channel}/messages")
    for gap in gaps:
        now_s += gap
        verdict = limits.take("POST", "/channels/{channel}/messages", "1", now_s)
        if not verdict.wait_s:
            landed.append(now_s)
            assert int(verdict.headers["X-RateLimit-Remaining"]) < calls
        else:
            assert 0 < verdict.wait_s <= per_s + 0.001
            assert limits.take("POST", "/channels/{channel}/messages", "2", now_s).wait_s == 0
            retried = Limits.take(limits, "POST", "/channels/{channel}/messages", "1", now_s + verdict.wait_s)
            assert not retried.wait_s
            return
    start_s = float("-inf")
    for at_s in landed:
        if at_s >= start_s + per_s:
            start_s, used = at_s, 0
        used += 1
        assert used <= calls


@given(st.lists(st.floats(0.03, 3.0), max_size=40))
@settings(max_examples=150)
def test_no_window_holds_more_calls_than_it_allows_and_the_wait_it_names_is_enough(gaps):
    check_window(gaps)


@pytest.mark.long
@given(st.lists(st.floats(0.03, 3.0), max_size=40))
@settings(max_examples=10_000, deadline=None)
def test_no_window_holds_more_calls_than_it_allows_over_many_schedules(gaps):
    check_window(gaps)


PATTERNS = st.sampled_from(["POST *", "POST /channels/1/*", "POST /channels/2/*", "PATCH *"])
CHANGES = st.tuples(PATTERNS, st.integers(1, 9), st.floats(0.5, 9.0)) | st.none()


def check_headers(steps):
    """What a header says is left is exactly what is left, whatever the limit was made meanwhile."""
    limits, now_s = Limits(), 0.0

    def take():
        return limits.take("POST", "/channels/{channel}/messages", "1", now_s)

    for gap, change in steps:
        now_s += gap
        if change is not None:
            limits.set(*change)
        verdict = take()
        left, reset_s = (verdict.headers[f"X-RateLimit-{name}"] for name in ("Remaining", "Reset-After"))
        assert [take().wait_s > 0 for _ in range(int(left) + 1)] == [False] * int(left) + [True]
        assert verdict.wait_s in (0.0, float(reset_s))
        now_s += float(reset_s)
        assert not take().wait_s


@given(st.lists(st.tuples(st.floats(1.0, 9.0), CHANGES), max_size=8))
@settings(max_examples=150)
def test_the_headers_tell_the_truth_whatever_the_limit_was_made(steps):
    check_headers(steps)


@pytest.mark.long
@given(st.lists(st.tuples(st.floats(1.0, 9.0), CHANGES), max_size=8))
@settings(max_examples=10_000, deadline=None)
def test_the_headers_tell_the_truth_over_many_changes(steps):
    check_headers(steps)


def test_ids_only_grow():
    ids = Snowflakes(Settings())
    made = [int(ids.new()) for _ in range(1000)]
    assert made == sorted(set(made))


@given(st.lists(st.floats(-1e6, 1e6), max_size=30))
@settings(max_examples=50)
def test_no_id_is_made_twice_however_the_clock_is_set(aheads):
    clock = Settings()
    ids, made = Snowflakes(clock), []
    for ahead_s in aheads:
        clock.clock_ahead_s = ahead_s
        before = [ids.new() for _ in range(3)]
        assert before == sorted(before, key=int)
        made += before
    assert len(made) == len(set(made))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["users", "roles", "1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["parse", "users", "id"]), inner),
    max_leaves=8,
)
FIELDS = ["content", "nonce", "name", "flags", "embeds", "attachments", "allowed_mentions", "auto_archive_duration"]
BODIES = st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON


def check_body(json):
    body = Body(json, {0: ("a.txt", b"x")})
    readers = (bodies.content, bodies.nonce, bodies.name, bodies.flags, bodies.embeds, bodies.archive_after_min)
    for read in (*readers, lambda fields: bodies.flags(fields, 4)):
        answer(lambda read=read: read(body.fields))
    answer(lambda: bodies.commands(body))
    answer(lambda: bodies.attachments(body, WORLD, []))
    answer(lambda: evaluate("<@1>", bodies.allowed_mentions(body.fields), users=IDS, roles=IDS))


WORLD = World(Settings(), "Parley")


def answer(read):
    try:
        read()
    except RefusedError as refused:
        error = refused
    else:
        return
    assert (error.status, error.body["code"]) == (400, 50035)


@given(BODIES)
@settings(max_examples=150)
def test_a_body_of_any_shape_is_read_or_refused(json):
    check_body(json)


@pytest.mark.long
@given(BODIES)
@settings(max_examples=10_000, deadline=None)
def test_a_body_of_any_shape_is_read_or_refused_over_many_bodies(json):
    check_body(json)


def test_fifty_threads_can_be_opened_in_a_channel_in_five_minutes():
    limits, route = Limits(), "/channels/{channel}/messages/{message}/threads"
    for number in range(50):
        assert not limits.take("POST", route, "1", 0.1 * number).wait_s
    assert limits.take("POST", route, "1", 5.0).wait_s > 290
    assert not limits.take("POST", route, "2", 5.0).wait_s
    assert not limits.take("POST", route, "1", 300.1).wait_s
