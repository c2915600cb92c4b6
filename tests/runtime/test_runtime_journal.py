import json

from streamgate.link.messages import LogLine
from streamgate.runtime.journal import Journal


def line(seq: int) -> LogLine:
    return LogLine(seq, 1.0, "main", "cli:root", "cut", "CUT", "切断", "warning")


def test_every_line_is_on_disk_after_close_in_order_and_appended(tmp_path):
    for start in (0, 500):
        journal = Journal(tmp_path / "deep" / "journal.jsonl")
        for seq in range(start, start + 500):
            journal.write(line(seq))
        journal.close()
    lines = [json.loads(text) for text in (tmp_path / "deep" / "journal.jsonl").read_text().splitlines()]
    assert [one["seq"] for one in lines] == list(range(1000))
    assert lines[0]["actor"] == "cli:root"
    assert lines[0]["text_zh"] == "切断"


def test_a_disk_that_refuses_costs_the_writer_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "journal.jsonl")
    journal.write(line(1))
    journal.close()
    assert (tmp_path / "file").read_text() == ""
