"""Slack's text: what is stored, what is read, whom it pings. Properties."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.simulator.slack.api.limits import Limits, Tier
from bot.simulator.slack.workspace import mrkdwn

pieces = st.lists(
    st.sampled_from([
        "a", "&", "<", ">", "&amp;", "&lt;", "<@U1>", "<!channel>", "<!here|here>", "<#C1>", "<http://a.b|c>",
        "https://x.y/z?a=b&c=d", " ", "`", "\n", "ü", "<!subteam^S1>", "@here", "<x>", "!", "(", ")",
    ])
).map("".join)  # fmt: skip
texts = st.text() | pieces
words = st.sampled_from(["&", "&amp;", "<", ">", "https://x.y/z?a=b&c", "http://", "|", " ", "<@", ">>"])
# No `<url>`: that is what a client inserts, not what a person types.
plain = st.lists(st.text() | words).map("".join).map(lambda text: text.replace("<http", "< http"))


def escaping_hides_nothing_and_pings_nobody(text: str) -> None:
    assert mrkdwn.unescape(mrkdwn.escape(text)) == text
    assert mrkdwn.shown(mrkdwn.escape(text), {"U1": "Ada"}) == text
    assert mrkdwn.pings(mrkdwn.escape(text), {"U1": "Ada"}) == set()


def storing_twice_changes_nothing(text: str) -> None:
    stored = mrkdwn.sent(text)
    assert mrkdwn.sent(stored) == stored


def rich_text_pings_whom_the_text_pings(text: str) -> None:
    stored = mrkdwn.typed(text)
    elements = [e for block in mrkdwn.rich_text(stored) for e in block["elements"][0]["elements"]]
    rich = {e.get("user_id") or e.get("range") or e.get("usergroup_id") for e in elements if e["type"] != "channel"}
    assert rich - {None} == mrkdwn.pings(stored, {"U1": "Ada"})


PROPERTIES = [
    escaping_hides_nothing_and_pings_nobody,
    storing_twice_changes_nothing,
    rich_text_pings_whom_the_text_pings,
]


@pytest.mark.parametrize("holds", PROPERTIES)
def test_text_keeps_its_meaning(holds: Callable[[str], None]) -> None:
    settings(max_examples=60, deadline=None)(given(texts)(holds))()


@pytest.mark.long
@pytest.mark.parametrize("holds", PROPERTIES)
def test_text_keeps_its_meaning_in_many_examples(holds: Callable[[str], None]) -> None:
    settings(max_examples=10_000, deadline=None)(given(texts)(holds))()


@given(plain)
@settings(max_examples=60, deadline=None)
def test_what_a_person_types_is_what_people_read(text: str) -> None:
    assert mrkdwn.shown(mrkdwn.typed(text), {}) == text


@pytest.mark.long
@given(plain)
@settings(max_examples=10_000, deadline=None)
def test_what_a_person_types_is_what_people_read_in_many_examples(text: str) -> None:
    assert mrkdwn.shown(mrkdwn.typed(text), {}) == text


@pytest.mark.parametrize(
    ("text", "stored", "shown"),
    [
        ("see https://x.y/a?b=1&c=2.", "see <https://x.y/a?b=1&amp;c=2>.", "see https://x.y/a?b=1&c=2."),
        ("<@U1> <#C1> <!here>", "<@U1> <#C1> <!here>", "@Ada #general @here"),
        ("<https://x.y|label>", "<https://x.y|label>", "label"),
        ("a <b> & c", "a &lt;b&gt; &amp; c", "a <b> & c"),
        ("<@U404>", "<@U404>", "<@U404>"),
    ],
)
def test_text_is_stored_and_shown_as_slack_does(text: str, stored: str, shown: str) -> None:
    names = {"U1": "Ada", "C1": "general"}
    assert mrkdwn.typed(text) == mrkdwn.sent(text) == stored
    assert mrkdwn.shown(stored, names) == shown


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 5), st.floats(0.5, 10))
@settings(max_examples=60, deadline=None)
def test_no_window_has_more_calls_than_its_tier_allows(pauses_s: list[float], calls: int, per_s: float) -> None:
    pace, tier, now_s, allowed = Limits(), Tier(calls, per_s), 0.0, []
    for pause_s in pauses_s:
        now_s += pause_s / 10
        wait_s = pace.take("m", tier, "C1", now_s)
        if not wait_s:
            allowed.append(now_s)
        else:
            assert wait_s >= 1
    for start_s in allowed:
        assert sum(start_s <= at_s < start_s + per_s - 1e-6 for at_s in allowed) <= calls
