"""Which settings hold for a question, and why: default ← workspace or guild ← channel ← thread ← person. Pure.

`Places` has the defaults and the tables that change them somewhere. `Places.profile_of(question)` is what one turn runs
with, and `Places.explain(question)` says of each value where it comes from.
"""

from bot.places.access import Access
from bot.places.places import DEFAULT, IN_ALL, PER_PERSON, Places, Table, TokenLimit
from bot.places.profile import Profile
from bot.places.where import Where

__all__ = ["DEFAULT", "IN_ALL", "PER_PERSON", "Access", "Places", "Profile", "Table", "TokenLimit", "Where"]
