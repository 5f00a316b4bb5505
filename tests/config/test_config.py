"""The settings: read once, whole and strictly."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from bot.config import SECRETS, AccessSettings, PlaceSettings, Settings, load, read_secrets
from bot.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
ENOUGH = {"DISCORD_TOKEN": "a.discord.token", "ANTHROPIC_API_KEY": "a-key"}


def keys(model: type[BaseModel]) -> set[str]:
    return {
        f"{section}.{key}"
        for section, field in model.model_fields.items()
        if section != "place"
        for key in field.annotation.model_fields  # type: ignore[union-attr]
    }


def example_table() -> dict[str, Any]:
    """The example with its commented-out keys switched on."""
    text = re.sub(r"^# (\w+ = \S+|\[\[place)", r"\1", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return tomllib.loads(text)


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def refused(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text), ENOUGH if environment is None else environment)
    assert all("\n" not in problem for problem in caught.value.problems)
    return caught.value.sentence


def test_the_example_lists_every_key_and_no_other() -> None:
    table = example_table()
    assert [place.keys() - PlaceSettings.model_fields.keys() for place in table.pop("place")] == [set()]
    assert {f"{section}.{key}" for section, values in table.items() for key in values} == keys(Settings)


def test_the_example_shows_the_defaults() -> None:
    assert load(str(EXAMPLE), ENOUGH)[0] == Settings()


def test_the_example_of_a_place_holds_where_it_says(tmp_path: Path) -> None:
    text = "[[place]]" + EXAMPLE.read_text(encoding="utf-8").partition("# [[place]]")[2].replace("\n# ", "\n")
    (place,) = load(written(tmp_path, text), ENOUGH)[0].place
    assert (place.where.channel, place.model, place.answer_pages) == ("41771983423143937", "claude-opus-5-5", 3)


def test_the_example_names_everything_that_may_differ_by_place() -> None:
    words = EXAMPLE.read_text(encoding="utf-8").partition("# What differs somewhere")[2]
    may = PlaceSettings.model_fields.keys() - AccessSettings.model_fields.keys()
    assert [key for key in may if key not in words] == []


def test_each_key_of_the_example_says_what_it_is() -> None:
    lines = [line for line in EXAMPLE.read_text(encoding="utf-8").splitlines() if re.match(r"(# )?\w+ = ", line)]
    silent = [line for line in lines if "  # " not in line and not line.startswith("denied_")]
    assert silent == []


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(None, ENOUGH)[0] == Settings()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[claude]\nmodle = 'x'", "claude.modle: there is no such key; did you mean claude.model?"),
        ("[claude]\nfiles_mb = 20", "claude.files_mb: there is no such key; did you mean store.files_mb?"),
        ("[claude]\nxyzzy = 20", "claude.xyzzy: there is no such key; config.example.toml lists them all."),
        ("[cloude]\nmodel = 'x'", "cloude: there is no such key; did you mean claude?"),
        ("[claude]\nmax_tokens = 'many'", 'claude.max_tokens: "many" is wrong: input should be a valid integer.'),
        ("[claude]\nmax_tokens = 0", "claude.max_tokens: 0 is wrong: input should be greater than or equal to 1."),
        ("[claude]\nmax_tokens = true", "claude.max_tokens: true is wrong: input should be a valid integer."),
        ("[claude]\nbase_url = 'api.example.com'", 'claude.base_url: "api.example.com" is no address that begins with'),
        ("[claude]\nbase_url = 'https://'", 'claude.base_url: "https://" is no address that begins with https://.'),
        ("[claude]\nbase_url = 'http://a:b'", 'claude.base_url: "http://a:b" is no address that begins with https://.'),
        (
            "[discord]\ngateway_url = 'https://a'",
            'discord.gateway_url: "https://a" is no address that begins with wss://.',
        ),
        ("[access]\nallowed_users = 'U1'", 'access.allowed_users: "U1" is wrong: input should be a list.'),
        ("[access]\nallowed_users = [1]", "access.allowed_users[1]: 1 is wrong: input should be a valid string."),
        ("[discord]\nenabled = 'yes'", 'discord.enabled: "yes" is wrong: input should be a valid boolean.'),
        (
            "[log]\nlevel = 'loud'",
            "log.level: \"loud\" is wrong: input should be 'debug', 'info', 'warning' or 'error'.",
        ),
        ("claude = 3", "claude: 3 is wrong:"),
        ("[claude]\neffort = 'loud'", 'claude.effort: "loud" is wrong: input should be'),
        ("[place]\nmodel = 'x'", "place: input should be a list."),
        ("[[place]]\nmodel = 'x'", "place[1].where: field required."),
        ("[[place]]\nwhere = {}\nmodle = 'x'", "place[1].modle: there is no such key; did you mean place.model?"),
        (
            "[[place]]\nwhere = {}\nbase_url = ''",
            "place[1].base_url: there is no such key; did you mean claude.base_url?",
        ),
        (
            "[[place]]\nwhere = {chanel = 'C0'}",
            "place[1].where.chanel: there is no such key; did you mean place.where.",
        ),
        ("[[place]]\nwhere = {}\nmax_tokens = 0", "place[1].max_tokens: 0 is wrong: input should be greater than"),
        ("[[place]]\nwhere = {}\n[[place]]\nwhere = {}\ndms = 1", "place[2].dms: 1 is wrong: input should be a valid"),
        (
            "[[place]]\nwhere = {guild = '197038439483310086', person = 'U012ABCDEF'}",
            "place[1].where: names ids of Discord and of Slack together, so that it holds nowhere.",
        ),
    ],
)
def test_a_wrong_key_or_value_is_named_and_what_was_meant(tmp_path: Path, text: str, says: str) -> None:
    assert says in refused(tmp_path, text)


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    said = refused(tmp_path, "[claude]\nmodle = 'x'\nmax_tokens = 0\napi_key = 'k'\n[log]\nlevel = 'loud'")
    assert [line.partition("toml: ")[2].partition(":")[0] for line in said.splitlines()] == [
        "claude.api_key",
        "claude.max_tokens",
        "claude.modle",
        "log.level",
    ]


def test_everything_that_is_wrong_in_tables_of_places_is_said_at_once_with_their_positions(tmp_path: Path) -> None:
    first = "[[place]]\nwhere = {guild = 'ada', person = 'grace'}\nmodle = 'x'\n"
    second = (
        "[[place]]\nwhere = {}\nsystem = 'sk-ant-api03-abcdefgh1234'\nanswer_pages = 0\nallowed_roles = ['staff']\n"
    )
    said = refused(tmp_path, first + second)
    assert "abcdefgh" not in said
    assert sorted(line.partition("toml: ")[2].partition(":")[0] for line in said.splitlines()) == [
        "place[1].modle",
        "place[1].where.guild",
        "place[1].where.person",
        "place[2].allowed_roles[1]",
        "place[2].answer_pages",
        "place[2].system",
    ]


def test_every_secret_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    said = refused(tmp_path, "", {"SLACK_BOT_TOKEN": "t"})
    assert [line.partition(":")[0] for line in said.splitlines()] == ["SLACK_APP_TOKEN", "ANTHROPIC_API_KEY"]


@pytest.mark.parametrize(
    "name",
    ["ada", "@ada", "#general", "Ada Lovelace", "ADA", "everyone", "", "12", "<@123456789012345678>", "u0simulated"],
)
@pytest.mark.parametrize("key", ["users", "roles", "channels", "guilds", "workspaces"])
@pytest.mark.parametrize("rule", ["allowed", "denied"])
def test_a_name_in_place_of_an_id_is_refused_with_the_way_to_find_the_id(
    tmp_path: Path, rule: str, key: str, name: str
) -> None:
    said = refused(tmp_path, f"[access]\n{rule}_{key} = ['{name}']")
    assert f"access.{rule}_{key}[1]: " in said
    assert f'"{name}"' in said
    assert "Copy ID" in said or "address in a browser" in said


@pytest.mark.parametrize("name", ["ada", "#general", "", "12", "<#123456789012345678>", "1712345678"])
@pytest.mark.parametrize("key", ["guild", "workspace", "channel", "thread", "person"])
def test_a_name_does_not_say_where(tmp_path: Path, key: str, name: str) -> None:
    said = refused(tmp_path, f"[[place]]\nwhere = {{{key} = '{name}'}}")
    assert f'place[1].where.{key}: "{name}" is no id of a' in said
    assert "Copy ID" in said or "address in a browser" in said


@pytest.mark.parametrize(
    "where",
    [
        {"guild": "197038439483310086", "channel": "41771983423143937", "thread": "1234567890123456789"},
        {"workspace": "T012ABCDEF", "channel": "C012ABCDEF", "thread": "1712345678.123456", "person": "U012ABCDEF"},
        {"person": "80351110224678912"},
        {},
    ],
)
def test_where_takes_the_ids_of_either_platform(tmp_path: Path, where: dict[str, str]) -> None:
    named = ", ".join(f'{key} = "{value}"' for key, value in where.items())
    text = f"[[place]]\nwhere = {{{named}}}\nmodel = 'm'\ndenied_users = ['U012ABCDEF']\n"
    (place,) = load(written(tmp_path, text), ENOUGH)[0].place
    assert place.where.model_dump(exclude_none=True) == where
    assert place.model_fields_set == {"where", "model", "denied_users"}


@pytest.mark.parametrize(
    ("key", "ids"),
    [
        ("allowed_users", ["80351110224678912", "1234567890123456789", "U012ABCDEF", "W012ABCDEF"]),
        ("denied_roles", ["41771983423143936"]),
        ("allowed_channels", ["41771983423143937", "C012ABCDEF", "G012ABCDEF", "D012ABCDEF"]),
        ("denied_guilds", ["197038439483310086"]),
        ("allowed_workspaces", ["T012ABCDEF", "E012ABCDEF"]),
    ],
)
def test_ids_of_both_platforms_are_taken(tmp_path: Path, key: str, ids: list[str]) -> None:
    settings, _ = load(written(tmp_path, f"[access]\n{key} = {ids}"), ENOUGH)
    assert getattr(settings.access, key) == tuple(ids)


def test_a_value_that_may_be_a_secret_is_never_repeated(tmp_path: Path) -> None:
    said = refused(tmp_path, "[claude]\nmax_tokens = 'sk-ant-api03-abcdefgh1234'\nkey = 'hunter2'")
    assert "abcdefgh" not in said
    assert "hunter2" not in said


def test_a_file_that_an_editor_began_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf[claude]\nmodel = 'claude-haiku-5-5'\n")
    assert load(str(path), ENOUGH)[0].claude.model == "claude-haiku-5-5"


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("[discord]\ntoken = 'anything'", "DISCORD_TOKEN"),
        ("[slack]\nbot_token = 'anything'", "SLACK_BOT_TOKEN"),
        ("[claude]\nsystem = 'sk-ant-api03-abcdefgh1234'", "ANTHROPIC_API_KEY"),
        ("[access]\ndenied_users = ['xapp-1-ABCDEFGH-123']", "SLACK_APP_TOKEN"),
    ],
)
def test_a_secret_in_the_file_is_an_error_that_says_where_it_belongs(tmp_path: Path, text: str, variable: str) -> None:
    sentence = refused(tmp_path, text)
    assert variable in sentence
    assert "anything" not in sentence
    assert "abcdefgh" not in sentence.lower()


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({}, "DISCORD_TOKEN"),
        ({"DISCORD_TOKEN": "t"}, "ANTHROPIC_API_KEY"),
        ({"SLACK_BOT_TOKEN": "t", "ANTHROPIC_API_KEY": "k"}, "SLACK_APP_TOKEN"),
        ({"SLACK_APP_TOKEN": "t", "ANTHROPIC_API_KEY": "k"}, "SLACK_BOT_TOKEN"),
        ({"DISCORD_TOKEN": "t", "DISCORD_TOKEN_FILE": "f"}, "DISCORD_TOKEN"),
        ({"DISCORD_TOKEN_FILE": "/no/such/file"}, "DISCORD_TOKEN_FILE"),
    ],
)
def test_a_missing_secret_is_named(tmp_path: Path, environment: dict[str, str], names: str) -> None:
    assert refused(tmp_path, "", environment).startswith(names)


def test_a_platform_that_is_insisted_on_needs_its_token(tmp_path: Path) -> None:
    assert refused(tmp_path, "[slack]\nenabled = true").startswith("SLACK_BOT_TOKEN")


def test_a_server_of_ones_own_needs_no_key(tmp_path: Path) -> None:
    load(written(tmp_path, "[claude]\nbase_url = 'http://127.0.0.1:1'"), {"DISCORD_TOKEN": "t"})


def test_secrets_may_stand_in_files_and_never_print(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("the-token\n", encoding="utf-8")
    secrets = read_secrets({f"{name}_FILE": str(file) for name in SECRETS})
    assert secrets.discord_token.get_secret_value() == "the-token"
    assert "the-token" not in repr(secrets)
    assert "the-token" not in str(secrets.model_dump())


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[claude", b"\x00"])
def test_a_file_that_is_no_toml_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"config\.toml"):
        load(str(path), ENOUGH)


def test_a_file_that_is_not_there_or_is_a_directory_is_one_line(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.toml", tmp_path):
        with pytest.raises(ConfigError) as caught:
            load(str(path), ENOUGH)
        assert "\n" not in caught.value.sentence
