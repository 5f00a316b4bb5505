"""What readers and Claude are told about a picture that is not shown as it was sent."""

from bot.media.decode.shrink import Reduced


def note_on(name: str, made: Reduced) -> str:
    """Return one sentence for the readers; "" if there is nothing to say."""
    size = made.cell if made.moving else made.size
    sizes = f"reduced from {_pixels(made.was)} to {_pixels(size)} pixels" if size != made.was else ""
    if made.moving:
        return f"{name} moves, and I see {_frames(made)}{f', each {sizes}' if sizes else ''}."
    if made.frames > 1:
        return f"I see only the first of the {made.frames} pictures in {name}{f', {sizes}' if sizes else ''}."
    return f"{name} was {sizes}." if sizes else ""


def about(made: Reduced) -> str:
    """Return what Claude must be told to understand a picture; "" if nothing."""
    if made.moving:
        lasts = f" of {made.lasts_ms / 1000:.1f} seconds" if made.lasts_ms else ""
        chosen = "" if made.shown == made.frames else ", evenly chosen"
        return f"an animation{lasts}: {_frames(made)}{chosen}, side by side in reading order"
    return f"the first of {made.frames} pictures in this file" if made.frames > 1 else ""


def _frames(made: Reduced) -> str:
    if made.shown == made.frames:
        return f"all {made.frames} frames"
    first = f"the first {made.read} of its {made.frames} frames"
    if made.shown == made.read:
        return first
    return f"{made.shown} of {first if made.read < made.frames else f'its {made.frames} frames'}"


def _pixels(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"
