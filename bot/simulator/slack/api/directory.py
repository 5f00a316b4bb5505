"""Who the bot is, and who everybody else is: `auth.test`, `users.info`, `bots.info`, `team.info`."""

from typing import Any

from bot.simulator.slack.api.calls import Args
from bot.simulator.slack.workspace.errors import SlackError
from bot.simulator.slack.workspace.records import person_json
from bot.simulator.slack.workspace.workspace import Workspace


def auth_test(workspace: Workspace, args: Args) -> dict[str, Any]:
    """auth.test, with the bot's token."""
    del args
    return {
        "url": "https://simulated.slack.com/", "team": workspace.app.team_name, "team_id": workspace.app.team_id,
        "user": workspace.app.bot.name.lower(), "user_id": workspace.app.bot.id, "bot_id": workspace.app.bot.bot_id,
        "is_enterprise_install": False,
    }  # fmt: skip


def user_info(workspace: Workspace, args: Args) -> dict[str, Any]:
    """users.info."""
    person = workspace.people.get(args.needed("user", "user_not_found"))
    if person is None:
        raise SlackError("user_not_found")
    return {"user": person_json(person, workspace.app.team_id)}


def bot_info(workspace: Workspace, args: Args) -> dict[str, Any]:
    """bots.info: of the bot itself if none is named."""
    bot_id = args.text("bot") or workspace.app.bot.bot_id
    for person in workspace.people.values():
        if person.bot_id == bot_id:
            app_id = workspace.app.id if person is workspace.app.bot else f"A{bot_id[1:]}"
            known = {"id": bot_id, "deleted": False, "name": person.name, "app_id": app_id, "user_id": person.id}
            return {"bot": known}
    raise SlackError("bot_not_found")


def team_info(workspace: Workspace, args: Args) -> dict[str, Any]:
    """team.info."""
    del args
    return {"team": {"id": workspace.app.team_id, "name": workspace.app.team_name, "domain": "simulated", "icon": {}}}
