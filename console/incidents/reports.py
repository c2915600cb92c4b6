"""Reports on broadcasts and incidents for pages: a child process makes them, one at a time, on record."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from console.problems import BUSY, NOT_FOUND, Problem, Refused
from console.setup.child import run_child
from streamgate.archive.edit_list import find_edit_lists
from streamgate.archive.parts import check_channel
from streamgate.errors import ConfigError, MediaError
from streamgate.ledger.record import Decision, Record
from streamgate.store.location import Location
from streamgate.wording import in_chinese, in_english

Form = Literal["pdf", "docx", "html"]
CheckForm = Literal["json", "pdf", "docx", "html"]
Language = Literal["zh", "en"]
About = Literal["broadcast", "incident"]
TYPES = {
    "json": "application/json",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "html": "text/html",
}
REPORT_S = 120.0
REPORTS_BUSY = BUSY._replace(
    error="Somebody else's report is being made; try again in a moment.",
    error_zh="正在为他人生成报告，请稍后再试。",
)


def no_report(error: Exception) -> Problem:
    return Problem(
        503,
        "no_report",
        f"The report cannot be made: {in_english(error)}.",
        f"无法生成报告：{in_chinese(error)}。",
    )


class Reports:
    """`record` puts a record into this console's ledger and never waits. Raises Refused."""

    def __init__(
        self,
        data_dir: Path,
        database: Location,
        record: Callable[[Record], None],
        settings: Sequence[Mapping[str, str]],
        serving: Callable[[], bool],
    ) -> None:
        """`settings`: those in force, as `ShownSetting` has them. `serving`: whether the gate answers."""
        self._data_dir, self._database, self._record = data_dir, database, record
        self._settings = {one["name"]: one["value"] for one in settings}
        self._serving = serving
        self._one = asyncio.Semaphore(1)

    async def make(self, about: About, number: str, form: Form, language: Language, who: Decision) -> bytes:
        """Return the file. `who`: a record of who asks, on which channel; it is completed and written."""
        if self._one.locked():
            raise Refused(REPORTS_BUSY)
        if about == "broadcast" and not await asyncio.to_thread(self._has, who.channel, number):
            raise Refused(NOT_FOUND)
        order = {
            "data_dir": str(self._data_dir),
            "channel": who.channel,
            "about": about,
            "id": number,
            "form": form,
            "language": language,
            "by": who.who.partition(":")[2],
            "database": self._database,
        }
        async with self._one:
            try:
                given = msgspec.json.encode(order, enc_hook=str)
                made = await run_child("streamgate.reports.make", given=given, timeout_s=REPORT_S)
            except MediaError as error:
                raise Refused(no_report(error)) from None
        who.what, who.answer = "report.make", "ok"
        who.args = {"about": number, "format": form, "lang": language}
        self._record(who)
        return made

    async def check(self, form: CheckForm, language: Language, who: Decision) -> bytes:
        """Return the self-check of the rules R1 to R28.

        `who`: a record of who asks; of a document that is made it is completed and written.
        """
        if self._one.locked():
            raise Refused(REPORTS_BUSY)
        order = {
            "data_dir": str(self._data_dir),
            "form": form,
            "language": language,
            "by": who.who.partition(":")[2],
            "serving": self._serving(),
            "retention_days": int(self._number("retention_days", 60)),
            "options": {
                "idle_logout_min": self._number("idle_logout_min", 0),
                "password_max_age_days": self._number("password_max_age_days", 0),
                "approval": self._settings.get("approval", ""),
            },
            "database": self._database,
        }
        async with self._one:
            try:
                given = msgspec.json.encode(order, enc_hook=str)
                made = await run_child("streamgate.selfcheck.make", given=given, timeout_s=REPORT_S)
            except MediaError as error:
                raise Refused(no_report(error)) from None
        if form != "json":
            who.what, who.answer = "selfcheck.make", "ok"
            who.args = {"format": form, "lang": language}
            self._record(who)
        return made

    def _has(self, channel: str, broadcast: str) -> bool:
        try:
            known = find_edit_lists(self._data_dir / "archive", check_channel(channel))
        except ConfigError:
            return False
        return broadcast in known

    def _number(self, name: str, otherwise: float) -> float:
        try:
            return float(self._settings.get(name, otherwise))
        except ValueError:
            return otherwise
