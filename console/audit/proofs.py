"""Up to when the ledger is proven: `streamgate verify` in a child, asked for by pages, its result kept."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import msgspec

from console.setup.child import run_child
from streamgate.clock import wall_s
from streamgate.errors import MediaError
from streamgate.ledger.known import Known
from streamgate.ledger.verdict import Proof
from streamgate.wording import in_chinese, in_english

FRESH_S = 60.0  # a result is not renewed before
WHOLE_EVERY_S = 24 * 3600.0  # older days are read anew, too
CHECK_S = 900.0  # one check; 2 GB take 10 s on an idle machine


@dataclass
class Checked:
    """The last check. `error`: why there is no proof of it; `at`: when it began (wall clock, s)."""

    at: float | None = None
    proof: Proof | None = None
    error: str = ""
    error_zh: str = ""


class Proofs:
    """Checks one after the other, never two at once; each goes on from what the one before has proven."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._known: Known | None = None
        self._whole_at = 0.0  # when all was read last
        self._task: asyncio.Task[None] | None = None
        self._again = False
        self.last = Checked()

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done()

    def ask(self) -> Checked:
        """Return the last result; one that is not fresh is being renewed afterwards."""
        if self.last.at is None or wall_s() - self.last.at > FRESH_S:
            self._start()
        return self.last

    def check_all(self) -> Checked:
        """Have everything read anew, older days too; one that runs already is followed by it."""
        self._whole_at = 0.0
        self._again = self.running
        self._start()
        return self.last

    async def close(self) -> None:
        """End what runs, within a second."""
        self._again = False
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _start(self) -> None:
        if not self.running:
            self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        while True:
            self._again = False
            await self._check()
            if not self._again:
                return

    async def _check(self) -> None:
        at = wall_s()
        known = None if at - self._whole_at > WHOLE_EVERY_S else self._known
        given = b"" if known is None else msgspec.json.encode(known)
        try:
            printed = await run_child(
                "streamgate.ledger.prove", str(self._data_dir), given=given, timeout_s=CHECK_S
            )
            proof = msgspec.json.decode(printed, type=Proof)
        except (MediaError, msgspec.DecodeError) as error:
            self.last = Checked(at, error=in_english(error), error_zh=f"核验未能完成：{in_chinese(error)}")
            return
        self._known = proof.known
        if known is None and not self._again:
            self._whole_at = at
        self.last = Checked(at, proof)
