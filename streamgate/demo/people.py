"""The demo's people. They have no passwords: links sign them in, in the demo's own directory only."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from console.auth import accounts
from streamgate.clock import wall_s
from streamgate.store import users
from streamgate.store.database import Database
from streamgate.store.location import locate
from streamgate.store.upgrade import upgrade
from streamgate.store.users import Grant

OPERATOR = "operator"
# The demo's operator directs, too, so that every key on the page can be tried.
ROLES: Mapping[str, Sequence[str]] = {
    OPERATOR: ("operator", "director"),
    "administrator": ("administrator",),
    "reviewer": ("reviewer",),
    "senior-reviewer": ("senior-reviewer",),
    "chief-reviewer": ("chief-reviewer",),
}


def make(data_dir: Path) -> None:
    """Make the database and the people in it. Raises StoreError."""
    location = locate("sqlite", data_dir)
    upgrade(location)
    with Database(location) as database, database.write() as session:
        now = wall_s()
        for name, roles in ROLES.items():
            user = users.find(session, name) or users.add(session, name, by="demo", at=now)
            users.set_roles(session, user.id, [Grant(role) for role in roles], by="demo", at=now)
            users.set_password(session, user.id, accounts.NO_PASSWORD, at=now)
