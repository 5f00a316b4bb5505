"""Which Parley this is."""

from importlib import metadata


def version() -> str:
    """Return the version of the installed package; "not installed" where the code runs from a bare checkout."""
    try:
        return metadata.version("parley")
    except metadata.PackageNotFoundError:
        return "not installed"
