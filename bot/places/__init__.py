"""Which settings hold for a question, and why: default ← workspace or guild ← channel ← thread ← person. Pure.

`Places` has the defaults and the tables that change them somewhere. `Places.profile_of(question)` is what one turn runs
with, and `Places.explain(question)` says of each value where it comes from.
"""

from bot.places.access import Access
from bot.places.places import IN_ALL, PER_PERSON, Limit, Places, Table
from bot.places.profile import Profile
from bot.places.where import Where

__all__ = ["IN_ALL", "PER_PERSON", "Access", "Limit", "Places", "Profile", "Table", "Where"]
