"""Names for the files Claude gives. Pure."""

import re

_UNFIT = re.compile(r"[^\w.()+@ -]+")


def file_name(name: str) -> str:
    """Return a name that is safe on every system: no path, nothing hidden, 1 to 80 characters."""
    base = _UNFIT.sub("_", name.replace("\\", "/").rsplit("/", 1)[-1]).strip(" .")
    return base[-80:].strip(" .") or "file.txt"
