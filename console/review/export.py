"""A broadcast's comments with every decision: as CSV for a spreadsheet, and as JSON lines. Pure.

Personal data is starred out, as viewers and reviewers see it: what was written stands in the database, and to
reveal it there is an act on record.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from console.audit.export import BOM, harmless, utc_time, write
from moderation.filter.policy import Verdict
from streamgate.store.broadcasts import CardRecord, Names
from streamgate.store.comment_models import Comment

STAGES = ("first", "second", "third")
_OF_STAGE = ("decision", "by", "role", "utc", "code", "note")
_COMMENT = (
    "comment",
    "received_utc",
    "source",
    "author_id",
    "author",
    "text",
    "masked",
    "at_media_s",
    "sent_utc",
)
_CARD = (
    "verdict",
    "why",
    "why_zh",
    "hits",
    "lists",
    "card",
    "equal_comments",
    "stages",
    "state",
    "published_utc",
)
COLUMNS = (
    *_COMMENT,
    *_CARD,
    "retracted_utc",
    *(f"{stage}_{name}" for stage in STAGES for name in _OF_STAGE),
    "acts",
    "channel",
    "broadcast",
)


def csv_head() -> bytes:
    return (BOM + write([COLUMNS])).encode()


def to_csv(records: Iterable[CardRecord], names: Names) -> bytes:
    """Return lines of CSV, one a comment; no cell is a formula."""
    return write(map(_cells, describe_all(records, names))).encode("utf-8", "replace")


def to_json_lines(records: Iterable[CardRecord], names: Names) -> bytes:
    """Return one JSON object a line, one a comment. Times: seconds since the epoch."""
    return b"".join(msgspec.json.encode(one) + b"\n" for one in describe_all(records, names))


def fault_line(error: str, error_zh: str) -> bytes:
    """Return a line that is no comment: why the file ends here."""
    return msgspec.json.encode({"error": error, "error_zh": error_zh}) + b"\n"


def describe_all(records: Iterable[CardRecord], names: Names) -> Iterator[dict[str, Any]]:
    """Yield what is on record of each comment, its card and the decisions on that."""
    for record in records:
        of_card = _describe_card(record, names)
        shown = {(item.comment_id, item.kind): item.at for item in record.feed}
        for comment in record.comments:
            retracted_at = shown.get((comment.id, "retract"))
            yield {
                **_describe_comment(comment, names),
                **of_card,
                "state": "retracted" if retracted_at is not None else record.card.state,
                "published_at": shown.get((comment.id, "publish")),
                "retracted_at": retracted_at,
            }


def name_of(user_id: int | None, names: Names) -> str:
    """Return a person as records name one, "" for the program: the shown name, then the user name."""
    if user_id is None:
        return ""
    user, shown = names.people.get(user_id, (f"account {user_id}", ""))
    return f"{shown} ({user})" if shown and shown != user else user


def _describe_comment(comment: Comment, names: Names) -> dict[str, Any]:
    return {
        "comment": comment.id,
        "received_at": comment.received_at,
        "source": names.sources.get(comment.source_id, ""),
        "client_id": comment.client_id,
        "author_id": comment.author_id,
        "author": comment.author if comment.masked_author is None else comment.masked_author,
        "text": comment.text if comment.masked is None else comment.masked,
        "masked": comment.masked is not None or comment.masked_author is not None,
        "at_media_s": comment.at_media_s,
        "sent_at": comment.sent_at,
        "verdict": Verdict(comment.verdict).word,
        "why": comment.cause_en,
        "why_zh": comment.cause_zh,
        "hits": comment.hits or [],
        "lists": comment.lists,
    }


def _describe_card(record: CardRecord, names: Names) -> dict[str, Any]:
    card = record.card
    return {
        "card": card.id,
        "channel": card.channel,
        "broadcast": card.broadcast,
        "equal_comments": len(record.comments),
        "stages": card.stages,
        "held": card.held,
        "decisions": [
            {
                "stage": one.stage,
                "decision": one.decision,
                "by": name_of(one.user_id, names),
                "role": one.role,
                "at": one.at,
                "code": one.code,
                "note": one.note,
            }
            for one in record.decisions
        ],
        "acts": [
            {
                "act": one.kind,
                "at": one.at,
                "by": name_of(one.user_id, names),
                "role": one.role,
                "stage": one.stage,
                "code": one.code,
                "note": one.note,
                "comment": one.comment_id,
            }
            for one in record.acts
        ],
    }


def _cells(one: dict[str, Any]) -> list[str]:
    decided = {decision["stage"]: decision for decision in one["decisions"]}
    told = {
        **one,
        "received_utc": one["received_at"],
        "sent_utc": one["sent_at"],
        "published_utc": one["published_at"],
        "retracted_utc": one["retracted_at"],
        "hits": "; ".join(_hit(hit) for hit in one["hits"]),
        "acts": " | ".join(_act(act) for act in one["acts"]),
    }
    for number, stage in enumerate(STAGES, 1):
        decision = decided.get(number, {})
        told |= {f"{stage}_{name}": decision.get(name) for name in _OF_STAGE}
        told[f"{stage}_utc"] = decision.get("at")
    return [_cell(name, told[name]) for name in COLUMNS]


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name.endswith("_utc"):
        return utc_time(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return harmless(str(value))


def _hit(hit: dict[str, Any]) -> str:
    where = f"{hit.get('list', '')} {hit.get('version', '')}".strip()
    place = ", in the name" if hit.get("in_author") else ""
    return f"{hit.get('term', '')} ({where}, {hit.get('channel', '')}{place})"


def _act(act: dict[str, Any]) -> str:
    stage = "" if act["stage"] is None else f"stage {act['stage']}"
    said = (utc_time(act["at"]), act["act"], stage, act["by"] or "streamgate", act["code"], act["note"])
    return " ".join(part for part in said if part)
