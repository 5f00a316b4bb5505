"""The places that have more than a name: topics, channels that few see, forums and their posts."""

from collections.abc import Sequence

from bot.simulator.discord.actions import Actions, Draft
from bot.simulator.discord.gateway import intents
from bot.simulator.discord.gateway.gateway import Gateway
from bot.simulator.discord.world.known import Known
from bot.simulator.discord.world.model import FORUM, PUBLIC_THREAD, Channel, Message, Person
from bot.simulator.discord.world.wire import Wire
from bot.simulator.discord.world.world import World


class Places:
    """Makes and changes places. They are named by their ids; an id there is not is a `ValueError`."""

    def __init__(self, world: World, wire: Wire, gateway: Gateway, actions: Actions) -> None:
        self._world = world
        self._wire = wire
        self._known = Known(world)
        self._gateway = gateway
        self._actions = actions

    def set_topic(self, channel: str, topic: str) -> None:
        """Give a channel a topic."""
        where = self._known.channel(channel)
        where.topic = topic
        self._gateway.dispatch("CHANNEL_UPDATE", intents.GUILDS, lambda _: self._wire.channel(where))

    def hide(self, channel: str) -> None:
        """Hide a channel from everybody in its guild but the application."""
        where = self._known.channel(channel)
        where.hidden = True
        self._gateway.dispatch("CHANNEL_UPDATE", intents.GUILDS, lambda _: self._wire.channel(where))

    def add_forum(self, guild: str, name: str, *, topic: str = "", tags: Sequence[str] = ()) -> str:
        """Make a forum, whose posts may have tags; return its id."""
        where = self._known.guild(guild)
        forum = Channel(self._world.ids.new(), FORUM, name=name, guild=where.id, topic=topic)
        forum.tags = {tag: self._world.ids.new() for tag in tags}
        self._world.channels[forum.id] = forum
        self._gateway.dispatch("CHANNEL_CREATE", intents.GUILDS, lambda _: self._wire.channel(forum))
        return forum.id

    async def open_post(
        self, person: Person, forum: str, title: str, text: str, *, tags: Sequence[str] = ()
    ) -> Message:
        """Open a post in a forum; return its first message, whose id is that of the post, a thread."""
        where = self._known.channel(forum)
        self._known.check_may_write(person, where)
        post_id = self._world.ids.new()
        post = self._world.add_thread(where, person, title, kind=PUBLIC_THREAD, thread_id=post_id)
        post.tags = {tag: where.tags[tag] for tag in tags}
        self._actions.tell_thread(post)
        allowed = {"parse": ["users", "roles", "everyone"]}
        return self._actions.post(person, post, Draft(text, id=post_id, allowed=allowed))
