"""The institution's chain of persons that incidents are reported to: `escalation.json` in the data directory.

Addresses are apprise's (mailto://, wecombot://, dingtalk://, feishu://, json:// ...; they hold passwords and
tokens) and stand encrypted in the file.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec

from streamgate.clock import wall_s
from streamgate.disk import replace_file
from streamgate.errors import ArchiveError, ConfigError
from streamgate.incidents.escalation import Step
from streamgate.incidents.incident import Level
from streamgate.ledger.owner import give_to_owner
from streamgate.runtime.secret_box import SecretBox
from streamgate.wording import system_error

FILE = "escalation.json"
MAX_STEPS, MAX_PERSONS, MAX_URLS = 10, 20, 8
MIN_WITHIN_MIN, MAX_WITHIN_MIN = 0.05, 7 * 24 * 60.0
SEALED = "sealed:"


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`urls`: where to notify; one that takes it is enough."""

    name: str
    urls: tuple[str, ...]


class ChainStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    within_min: float
    persons: tuple[Person, ...]


class Chain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`institution`: as messages name it. `at_once`: grades that are reported as soon as they are written up.

    `page`: the console's address in messages. `set_at`, `set_by`: filled in when it is stored.
    """

    steps: tuple[ChainStep, ...]
    institution: str = ""
    at_once: tuple[Level, ...] = ("serious", "grave")
    page: str = ""
    set_at: float = 0.0
    set_by: str = ""

    def names(self) -> tuple[Step, ...]:
        """Return the steps without addresses, as an incident keeps them."""
        return tuple(
            Step(one.name, tuple(person.name for person in one.persons), one.within_min) for one in self.steps
        )

    def urls_of(self, person: str) -> tuple[str, ...]:
        found = [one.urls for step in self.steps for one in step.persons if one.name == person]
        return found[0] if found else ()


class ChainFile:
    """The chain of one data directory. Calls block."""

    def __init__(self, data_dir: Path, *, clock: Callable[[], float] = wall_s) -> None:
        self.path = data_dir / FILE
        self._box, self._clock = SecretBox(data_dir), clock

    def read(self) -> Chain | None:
        """Return the chain; None: none is set. Raises ConfigError: the file, or its key, cannot be used."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(
                f"{self.path} cannot be read ({error.strerror})",
                f"无法读取 {self.path}（{system_error(error)}）",
            ) from error
        return _map_urls(parse_chain(data, str(self.path)), self._unseal)

    def store(self, chain: Chain, by: str) -> Chain:
        """Store a chain; return it as it stands. Raises ConfigError: it says what is not allowed."""
        check_chain(chain)
        chain = msgspec.structs.replace(chain, set_at=round(self._clock(), 3), set_by=by)
        sealed = _map_urls(chain, lambda url: SEALED + self._box.encrypt(url.encode()).decode())
        try:
            replace_file(self.path, msgspec.json.format(msgspec.json.encode(sealed)) + b"\n")
            give_to_owner(self.path, self.path.parent)
        except OSError as error:
            raise ArchiveError(
                f"{self.path} cannot be written ({error.strerror})",
                f"无法写入 {self.path}（{system_error(error)}）",
            ) from error
        return chain

    def seal_anew(self) -> int:
        """Encrypt the addresses with the newest key; return how many files were written."""
        chain = self.read()
        if chain is None:
            return 0
        sealed = _map_urls(chain, lambda url: SEALED + self._box.encrypt(url.encode()).decode())
        replace_file(self.path, msgspec.json.format(msgspec.json.encode(sealed)) + b"\n")
        return 1

    def _unseal(self, url: str) -> str:
        if not url.startswith(SEALED):
            return url
        return self._box.decrypt(url.removeprefix(SEALED).encode()).decode()


def parse_chain(data: bytes, name: str) -> Chain:
    """Read a chain as JSON. Raises ConfigError: it says where it is not what is expected."""
    try:
        return msgspec.json.decode(data, type=Chain)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name} is no chain: {error}", f"{name} 不是上报流程：{error}") from error


def check_chain(chain: Chain) -> None:
    """Raise ConfigError for a chain that cannot be followed."""
    if not 1 <= len(chain.steps) <= MAX_STEPS:
        raise ConfigError(f"a chain has 1 to {MAX_STEPS} steps, this one {len(chain.steps)}")
    names = [person.name for step in chain.steps for person in step.persons]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{', '.join(twice)}: a person stands in a chain once")
    for step in chain.steps:
        if not step.name.strip() or not 1 <= len(step.persons) <= MAX_PERSONS:
            raise ConfigError(f"step {step.name!r}: it needs a name, and 1 to {MAX_PERSONS} persons")
        if not MIN_WITHIN_MIN <= step.within_min <= MAX_WITHIN_MIN:
            raise ConfigError(
                f"step {step.name}: within_min {step.within_min:g} is not allowed; from {MIN_WITHIN_MIN:g} to"
                f" {MAX_WITHIN_MIN:g} minutes"
            )
        for person in step.persons:
            if not person.name.strip() or not 1 <= len(person.urls) <= MAX_URLS:
                raise ConfigError(f"person {person.name!r}: needed are a name, and 1 to {MAX_URLS} urls")


def _map_urls(chain: Chain, change: Callable[[str], str]) -> Chain:
    steps = tuple(
        msgspec.structs.replace(
            step,
            persons=tuple(
                msgspec.structs.replace(one, urls=tuple(map(change, one.urls))) for one in step.persons
            ),
        )
        for step in chain.steps
    )
    return msgspec.structs.replace(chain, steps=steps)
