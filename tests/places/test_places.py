"""What holds for a question: the more specific table wins, a denial always, and each value says where it comes from."""

from dataclasses import fields, replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.events import Incoming, MessageKey, Person, ThreadKey
from bot.places import Places, Profile, Table, Where

DEFAULT = {
    "model": "claude-sonnet-5-5",
    "answer_pages": 8,
    "mention_in_threads": False,
    "dms": True,
    "denied_users": frozenset({"U9"}),
    "allowed_users": frozenset(),
}
QUESTION = Incoming(
    MessageKey("discord", "G1", "T1", "M1"),
    ThreadKey("discord", "G1", "C1", "T1"),
    Person("U1", "Ada"),
    "Hello",
    in_thread=True,
)


def table(number: int, where: Where, **values: object) -> Table:
    return Table(where, values, f"place[{number}]")


def ids(letter: str) -> st.SearchStrategy[str]:
    return st.sampled_from(["", f"{letter}1", f"{letter}2"])


wheres = st.builds(Where, guild=ids("G"), channel=ids("C"), thread=ids("T"), person=ids("U"))
people = st.frozensets(st.sampled_from(["U1", "U2", "U3"]), max_size=2)
changes = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from(["claude-opus-5-5", "claude-haiku-5-5"]),
        "answer_pages": st.integers(1, 50),
        "mention_in_threads": st.booleans(),
        "dms": st.booleans(),
        "denied_users": people,
        "allowed_users": people,
    },
)
tables = st.lists(st.tuples(wheres, changes), max_size=6).map(
    lambda found: [table(number, where, **values) for number, (where, values) in enumerate(found, 1)]
)
questions = st.builds(
    lambda guild, channel, thread, person: replace(
        QUESTION,
        key=MessageKey("discord", guild, thread, "M"),
        thread=ThreadKey("discord", guild, channel, thread),
        author=Person(person, person),
    ),
    *(st.sampled_from([f"{letter}1", f"{letter}2"]) for letter in "GCTU"),
)


def values_of(profile: Profile) -> dict[str, object]:
    """A profile's values, by the settings' names."""
    named = {field.name: getattr(profile, field.name) for field in fields(profile)}
    access = profile.access
    return {**named, "dms": access.dms, "denied_users": access.denies("users"), "allowed_users": access.allows("users")}


def test_without_tables_the_default_holds_everywhere() -> None:
    assert values_of(Places(DEFAULT).profile_of(QUESTION)).items() >= DEFAULT.items()
    assert set(Places(DEFAULT).explain(QUESTION).values()) == {("default",)}


def test_the_more_specific_table_wins_whatever_stands_first() -> None:
    steps = [Where(guild="G1"), Where(channel="C1"), Where(thread="T1"), Where(person="U1")]
    written = [table(pages, where, answer_pages=pages) for pages, where in enumerate(steps, 1)]
    for at in range(len(steps)):
        held = written[: at + 1]
        Random(at).shuffle(held)
        assert Places(DEFAULT, held).profile_of(QUESTION).answer_pages == at + 1
        assert Places(DEFAULT, held).explain(QUESTION)["answer_pages"] == (f"place[{at + 1}]",)


def test_a_table_that_names_more_is_more_specific() -> None:
    everywhere, here = Where(person="U1"), Where(person="U1", channel="C1")
    for written in ([everywhere, here], [here, everywhere]):
        found = Places(DEFAULT, [table(n, w, answer_pages=2 if w is here else 1) for n, w in enumerate(written)])
        assert found.profile_of(QUESTION).answer_pages == 2


def test_of_two_tables_for_one_place_the_later_one_wins() -> None:
    both = [table(1, Where(channel="C1"), answer_pages=1), table(2, Where(channel="C1"), answer_pages=2)]
    assert Places(DEFAULT, both).profile_of(QUESTION).answer_pages == 2


def test_all_that_is_named_must_be_so() -> None:
    places = Places(DEFAULT, [table(1, Where(channel="C1", person="U2"), answer_pages=1)])
    assert places.profile_of(QUESTION).answer_pages == 8
    assert places.profile_of(replace(QUESTION, author=Person("U2", "Grace"))).answer_pages == 1


def test_a_workspace_is_a_guild_by_another_name() -> None:
    assert Places(DEFAULT, [table(1, Where(workspace="G1"), answer_pages=1)]).profile_of(QUESTION).answer_pages == 1


def test_a_threads_channel_holds_in_the_thread_and_it_may_itself_be_named_as_one() -> None:
    for channel in ("C1", "T1"):
        assert Where(channel=channel).holds(QUESTION)
    assert not Where(channel="T2").holds(QUESTION)


def test_whom_one_table_denies_no_other_lets_in() -> None:
    let_in = table(1, Where(channel="C1"), denied_users=frozenset(), allowed_users=frozenset({"U9", "U1"}))
    denied = table(2, Where(guild="G1"), denied_users=frozenset({"U1"}))
    places = Places(DEFAULT, [let_in, denied])
    assert places.profile_of(QUESTION).access.denies("users") == {"U1", "U9"}
    assert places.explain(QUESTION)["denied_users"] == ("default", "place[2]")


def test_where_somebody_needs_a_mention_what_was_said_between_is_read() -> None:
    places = Places(DEFAULT, [table(1, Where(channel="C1", person="U2"), mention_in_threads=True)])
    mine = places.profile_of(QUESTION)
    assert (mine.mention_in_threads, mine.reads_between) == (False, True)


@pytest.mark.parametrize(
    ("tables", "reads"),
    [
        ([], True),
        ([table(1, Where(person="U1"), mention_in_threads=False)], True),  # nobody else is taken without a mention
        ([table(1, Where(channel="C1"), mention_in_threads=False)], False),
        ([table(1, Where(channel="C2"), mention_in_threads=False)], True),
    ],
)
def test_where_all_others_need_a_mention_what_they_said_between_is_read(tables: list[Table], reads: bool) -> None:
    needed = Places({**DEFAULT, "mention_in_threads": True}, tables)
    assert needed.profile_of(QUESTION).reads_between is reads


def test_a_turns_record_has_everything_but_who_might_speak_and_the_prompts_text() -> None:
    told = Profile("claude-haiku-5-5", system="A secret recipe").record()
    names = {field.name for field in fields(Profile)} - {"access", "system"}
    assert told.keys() == names | {"system_sha256"}
    assert "secret" not in str(told)
    assert told["system_sha256"] != Profile("claude-haiku-5-5", system="Another").record()["system_sha256"]


@given(tables, questions, st.randoms())
def test_the_order_in_the_file_counts_among_equals_only(held: list[Table], question: Incoming, random: Random) -> None:
    by_rank: dict[object, list[Table]] = {}
    for one in held:
        by_rank.setdefault(one.where.rank, []).append(one)
    lines, mixed = list(by_rank.values()), []
    while lines := [line for line in lines if line]:
        mixed.append(random.choice(lines).pop(0))
    assert Places(DEFAULT, mixed).profile_of(question) == Places(DEFAULT, held).profile_of(question)


@given(tables, questions)
def test_what_is_explained_is_what_holds(held: list[Table], question: Incoming) -> None:
    places = Places(DEFAULT, held)
    named = {"default": DEFAULT, **{one.name: one.values for one in held}}
    found = values_of(places.profile_of(question))
    for setting, sources in places.explain(question).items():
        given = [named[source][setting] for source in sources]
        assert found[setting] == (frozenset().union(*given) if setting.startswith("denied_") else given[0])  # type: ignore[arg-type]


@given(tables, questions)
def test_a_table_that_is_not_named_changes_nothing(held: list[Table], question: Incoming) -> None:
    names = {name for sources in Places(DEFAULT, held).explain(question).values() for name in sources}
    left = Places(DEFAULT, [one for one in held if one.name in names]).profile_of(question)
    assert replace(left, reads_between=False) == replace(
        Places(DEFAULT, held).profile_of(question), reads_between=False
    )


@given(tables, questions)
def test_a_denial_of_any_table_that_holds_wins(held: list[Table], question: Incoming) -> None:
    denied = frozenset().union(*(t.values.get("denied_users", ()) for t in held if t.where.holds(question)))  # type: ignore[attr-defined]
    assert Places(DEFAULT, held).profile_of(question).access.denies("users") >= denied | {"U9"}
