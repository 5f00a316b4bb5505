"""The body of a call that posts or edits a message → what is to be posted or changed, checked as Discord checks it."""

from bot.simulator.discord.actions import Draft, Revision
from bot.simulator.discord.rest import bodies
from bot.simulator.discord.rest.bodies import Body
from bot.simulator.discord.world import components
from bot.simulator.discord.world.model import Message
from bot.simulator.discord.world.refusals import missing_permissions
from bot.simulator.discord.world.world import World


def draft(world: World, body: Body, *, reference: str | None = None, flags: int = 0) -> Draft:
    """Return the message that a body describes; `flags` are set besides those it names. Raise `RefusedError`."""
    fields = body.fields
    made = Draft(
        content=bodies.content(fields) or "",
        attachments=bodies.attachments(body, world, []) or (),
        embeds=bodies.embeds(fields) or (),
        components=components.read(fields) or (),
        reference=reference,
        nonce=bodies.nonce(fields),
        flags=(bodies.flags(fields) or 0) | flags,
        allowed=bodies.allowed_mentions(fields),
    )
    bodies.check_not_empty(made.content, made.attachments, made.embeds, made.components)
    if made.attachments and "attach_files" in world.denied:
        raise missing_permissions()
    return made


def revision(world: World, body: Body, message: Message) -> Revision:
    """Return the edit of a message that a body describes; what it does not name stays. Raise `RefusedError`."""
    fields = body.fields
    made = Revision(
        content=bodies.content(fields),
        attachments=bodies.attachments(body, world, message.attachments),
        embeds=bodies.embeds(fields),
        components=components.read(fields),
        flags=bodies.flags(fields, message.flags),
        allowed=bodies.allowed_mentions(fields),
    )
    text = message.content if made.content is None else made.content
    files = message.attachments if made.attachments is None else made.attachments
    embeds = message.embeds if made.embeds is None else made.embeds
    below = message.components if made.components is None else made.components
    bodies.check_not_empty(text, files, embeds, below)
    return made
