"""What the filter finds of the evasion set, class by class, and what it finds where nothing is."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "moderation" / "evasion"))

import score

Row = tuple[str, str, str, bool | None]


def rows() -> list[Row]:
    """(What, value, aim, whether it is kept)."""
    made: list[Row] = []
    for folder in score.FOLDERS:
        made += _rows(folder, "" if folder == score.HERE else f", {folder.name}")
    return made


def _rows(folder: Path, which: str) -> list[Row]:
    made: list[Row] = []
    for kind, one in score.recall(score.hidden_filter(folder), score.read_evasions(folder)).items():
        aim = score.AIMS[kind]
        name = f"recall, {kind} ({one.of}){which}"
        made.append((name, f"{one.share:.1%}", f"aim {aim:.0%}", one.share >= aim))
    for name, scores in score.false_hits(score.shipped_filter(), score.read_clean(folder)).items():
        kept = scores.share < 0.01 and scores.blocked == 0 if name in score.CHAT else None
        value = f"{scores.share:.2%}, {scores.blocked} block"
        aim = "aim under 1 %, 0 block" if kept is not None else ""
        made.append((f"false hits, {name} ({scores.of} lines){which}", value, aim, kept))
    return made
