"""The state → the JSON objects of Discord's API v10 (Discord docs, resources/*)."""

from collections.abc import Sequence
from typing import Any

from bot.simulator.discord.world import blanks
from bot.simulator.discord.world.cdn import Cdn
from bot.simulator.discord.world.model import (
    DM,
    FORUM,
    HAS_THREAD,
    IS_SPOILER,
    REPLY,
    TEXT,
    THREAD_CREATED,
    THREAD_STARTER,
    Attachment,
    Channel,
    Guild,
    Message,
    Person,
    Role,
    time_of,
)
from bot.simulator.discord.world.world import PERMISSIONS, World

Json = dict[str, Any]


class Wire:
    """Writes the objects of one world. `cdn` signs the attachments' addresses anew in every message it writes."""

    def __init__(self, world: World, cdn: Cdn) -> None:
        self._world = world
        self._cdn = cdn

    def user(self, person: Person) -> Json:
        """Return a user object."""
        return {
            "id": person.id,
            "username": person.name if person.bot else person.name.lower().replace(" ", "_"),
            "global_name": None if person.bot else person.name,
            "discriminator": "0000" if person.bot else "0",
            "bot": person.bot,
            **blanks.USER,
        }

    def member(self, guild: Guild, person: Person, *, with_user: bool = True) -> Json:
        """Return a guild member object."""
        about: Json = {"roles": guild.members[person.id], "joined_at": time_of(guild.id), **blanks.MEMBER}
        return {**about, "user": self.user(person)} if with_user else about

    def role(self, guild: Guild, role: Role) -> Json:
        """Return a role object. @everyone carries what the application may do."""
        return {
            "id": role.id,
            "name": role.name,
            "position": 0 if role.id == guild.id else 1,
            "permissions": str(self._world.permissions() if role.id == guild.id else role.permissions),
            "managed": bool(role.bot_id),
            "mentionable": role.mentionable,
            **blanks.ROLE,
            **({"tags": {"bot_id": role.bot_id}} if role.bot_id else {}),
        }

    def guild(self, guild: Guild) -> Json:
        """Return a guild object."""
        return {
            "id": guild.id,
            "name": guild.name,
            "owner_id": self._owner(guild),
            "roles": [self.role(guild, role) for role in guild.roles.values()],
            **blanks.GUILD,
        }

    def own_guild(self, guild: Guild) -> Json:
        """Return a guild as it stands in the list of those the application is in."""
        return {
            "id": guild.id,
            "name": guild.name,
            "icon": None,
            "banner": None,
            "owner": self._owner(guild) == self._world.bot.id,
            "permissions": str(self._world.permissions()),
            "features": [],
        }

    def _owner(self, guild: Guild) -> str:
        return next((one for one in guild.members if one != self._world.bot.id), self._world.bot.id)

    def guild_create(self, guild: Guild, *, all_members: bool) -> Json:
        """Return what GUILD_CREATE tells. Without the presence intent it names no member but the application."""
        channels = [one for one in self._world.channels.values() if one.guild == guild.id and one.type in (TEXT, FORUM)]
        threads = [one for one in self._world.threads_of(guild=guild.id) if not one.archived]
        members = list(guild.members) if all_members else [self._world.bot.id]
        return {
            **self.guild(guild),
            "unavailable": False,
            "large": False,
            "joined_at": time_of(guild.id),
            "member_count": len(guild.members),
            "members": [self.member(guild, self._world.people[one]) for one in members],
            "channels": [self.channel(one) for one in channels],
            "threads": [self.channel(one) for one in threads],
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }

    def channel(self, channel: Channel) -> Json:
        """Return a channel object of any kind."""
        common: Json = {"id": channel.id, "type": channel.type, "flags": 0, "last_message_id": channel.last_message_id}
        if channel.type == DM:
            others = [self._world.people[one] for one in channel.members if one != self._world.bot.id]
            return {**common, "recipients": [self.user(one) for one in others]}
        common |= {"guild_id": channel.guild, "name": channel.name, "rate_limit_per_user": 0}
        if channel.is_thread:
            return {**common, **self._thread(channel)}
        return {
            **common,
            "position": 0,
            "parent_id": None,
            "topic": channel.topic or None,
            "nsfw": False,
            "permission_overwrites": self._overwrites(channel),
            "default_auto_archive_duration": 1440,
            **({"available_tags": self._tags(channel)} if channel.type == FORUM else {}),
        }

    def _overwrites(self, channel: Channel) -> list[Json]:
        view = str(PERMISSIONS["view"])
        everyone = {"id": channel.guild, "type": 0, "allow": "0", "deny": view}
        application = {"id": self._world.bot.id, "type": 1, "allow": view, "deny": "0"}
        return [everyone, application] if channel.hidden else []

    def _tags(self, forum: Channel) -> list[Json]:
        named = {"moderated": False, "emoji_id": None, "emoji_name": None}
        return [{"id": tag_id, "name": name, **named} for name, tag_id in forum.tags.items()]

    def _thread(self, thread: Channel) -> Json:
        about: Json = {
            "parent_id": thread.parent,
            "owner_id": thread.owner_id,
            "message_count": len(thread.messages),
            "total_message_sent": len(thread.messages),
            "member_count": len(thread.members),
            "thread_metadata": {
                "archived": thread.archived,
                "auto_archive_duration": thread.archive_after_min,
                "archive_timestamp": thread.changed_at,
                "locked": thread.locked,
                "create_timestamp": thread.changed_at,
            },
        }
        if thread.tags:
            about["applied_tags"] = list(thread.tags.values())
        if self._world.bot.id in thread.members:
            about["member"] = self.thread_member(thread, self._world.bot)
        return about

    def threads(self, threads: Sequence[Channel]) -> Json:
        """Return a list of threads, with the application's memberships in them."""
        bot = self._world.bot
        mine = [self.thread_member(one, bot) for one in threads if bot.id in one.members]
        return {"threads": [self.channel(one) for one in threads], "members": mine, "has_more": False}

    def thread_member(self, thread: Channel, person: Person) -> Json:
        """Return a thread member object."""
        return {"id": thread.id, "user_id": person.id, "join_timestamp": thread.changed_at, "flags": 0}

    def message(self, message: Message, *, content_granted: bool, event: bool = False, nonce: bool = False) -> Json:
        """Return a message object as the application sees it.

        `content_granted`: it has the message content intent. `event`: with `guild_id` and members, as the gateway
        sends it. `nonce`: with the nonce, which Discord keeps only for the answer and the event of the creation.
        """
        data = self._bare(message, content_granted=content_granted)
        channel = self._world.channels[message.channel]
        if nonce and message.nonce is not None:
            data["nonce"] = message.nonce
        if event and channel.guild:
            data |= self._event(message, self._world.guilds[channel.guild], data["mentions"])
        if message.type in (REPLY, THREAD_STARTER) and message.reference is not None:
            found = self._world.find(message.reference)
            # one level only: what the referenced message itself refers to stays an id, as at Discord
            data["referenced_message"] = found and self._bare(found, content_granted=content_granted)
        return data

    def _bare(self, message: Message, *, content_granted: bool) -> Json:
        channel = self._world.channels[message.channel]
        data: Json = {
            **self._body(message, readable=content_granted or self._readable(message, channel)),
            "id": message.id,
            "channel_id": channel.id,
            "author": self.user(message.author),
            "mentions": [self.user(self._world.people[one]) for one in message.mentions],
            "mention_roles": message.mention_roles,
            "mention_everyone": message.mention_everyone,
            "pinned": False,
            "tts": False,
            **message.more,
        }
        if message.reactions:
            data["reactions"] = [self._reaction(emoji, by) for emoji, by in message.reactions.items()]
        if message.flags & HAS_THREAD and message.id in self._world.channels:
            data["thread"] = self.channel(self._world.channels[message.id])
        return {**data, **self._reference(message, channel, content_granted=content_granted)}

    def _readable(self, message: Message, channel: Channel) -> bool:
        """Return whether text shows without the intent (Discord docs, events/gateway, "Message Content Intent")."""
        bot = self._world.bot
        return channel.type == DM or message.author is bot or bot.id in message.mentions

    def _body(self, message: Message, *, readable: bool) -> Json:
        attachments = [self._attachment(message, one) for one in message.attachments] if readable else []
        return {
            "type": message.type,
            "content": message.content if readable else "",
            "embeds": [{"type": "rich", **one} for one in message.embeds] if readable else [],
            "components": message.components if readable else [],
            "attachments": attachments,
            "timestamp": time_of(message.id),
            "edited_timestamp": message.edited_at,
            "flags": message.flags,
            # not hidden without the intent (Discord docs, events/gateway, "Message Content Intent")
            **({"sticker_items": message.stickers} if message.stickers else {}),
            **({"poll": message.poll} if message.poll and readable else {}),
        }

    def _attachment(self, message: Message, one: Attachment) -> Json:
        url = self._cdn.sign(message.channel, one)
        about: Json = {"id": one.id, "filename": one.name, "size": one.size_bytes, "url": url, "proxy_url": url}
        about["flags"] = IS_SPOILER if one.spoiler else 0
        if one.media_type is not None:
            about["content_type"] = one.media_type
        if one.description is not None:
            about["description"] = one.description
        return about

    def _event(self, message: Message, guild: Guild, mentions: list[Json]) -> Json:
        about: Json = {"guild_id": guild.id}
        if message.author.id in guild.members:
            about["member"] = self.member(guild, message.author, with_user=False)
        about["mentions"] = [
            {**user, "member": self.member(guild, self._world.people[user["id"]], with_user=False)}
            if user["id"] in guild.members
            else user
            for user in mentions
        ]
        return about

    def _reaction(self, emoji: str, by: list[str]) -> Json:
        return {
            "emoji": {"id": None, "name": emoji},
            "count": len(by),
            "count_details": {"normal": len(by), "burst": 0},
            "me": self._world.bot.id in by,
            "me_burst": False,
            "burst_colors": [],
        }

    def _reference(self, message: Message, channel: Channel, *, content_granted: bool) -> Json:
        guild: Json = {"guild_id": channel.guild} if channel.guild else {}
        if message.forwarded is not None:
            source = message.forwarded
            readable = content_granted or self._readable(message, channel)
            mentions = [self.user(self._world.people[one]) for one in source.mentions]
            snapshot = self._body(source, readable=readable)
            snapshot |= {"mentions": mentions, "mention_roles": source.mention_roles}
            origin = {"type": 1, "message_id": source.id, "channel_id": source.channel}
            if from_guild := self._world.channels[source.channel].guild:
                origin["guild_id"] = from_guild
            return {"message_reference": origin, "message_snapshots": [{"message": snapshot}]}
        if message.reference is None:
            return {}
        if message.type == THREAD_CREATED:  # names a channel and no message
            return {"message_reference": {"type": 0, "channel_id": message.reference, **guild}}
        where = channel.parent if message.type == THREAD_STARTER else channel.id
        return {"message_reference": {"type": 0, "message_id": message.reference, "channel_id": where, **guild}}

    def application(self, flags: int) -> Json:
        """Return the application object of `/oauth2/applications/@me`."""
        bot = self._world.bot
        owner = {"id": "1", "username": "owner", "discriminator": "0", "global_name": "Owner", **blanks.USER}
        return {
            "id": bot.id,
            "name": bot.name,
            "owner": owner,
            "flags": flags,
            "flags_new": str(flags),
            "approximate_guild_count": len(self._world.joined()),
            "bot": self.user(bot),
            **blanks.APPLICATION,
        }
