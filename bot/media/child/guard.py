"""Linux's means to keep one process out of another's memory (prctl(2), capset(2)); elsewhere nothing happens.

Used on both sides: the bot hides its memory from its children, and a child gives up every privilege. This module
imports nothing of the bot, because the child is run by its path.
"""

import ctypes
import sys

_SET_DUMPABLE, _SET_NO_NEW_PRIVILEGES = 4, 38
_CAPABILITIES_V3 = 0x20080522


def hide_memory() -> None:
    """Keep this process's memory unreadable for other processes of the same user, and out of core files."""
    if sys.platform == "linux":
        _prctl(_SET_DUMPABLE, 0)


def give_up_privileges() -> None:
    """Give up every capability, for good: not even root may then read memory that is hidden."""
    if sys.platform != "linux":
        return
    _prctl(_SET_NO_NEW_PRIVILEGES, 1)
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0)
    none = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, none):
        raise OSError(ctypes.get_errno(), "capset")


def _prctl(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    if ctypes.CDLL(None, use_errno=True).prctl(option, ctypes.c_ulong(value), zero, zero, zero):
        raise OSError(ctypes.get_errno(), "prctl")
