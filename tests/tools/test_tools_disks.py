import errno
import os
import subprocess
import threading

import pytest
from tools.disks import Disk


def mounted(path):
    return subprocess.run(["findmnt", path], capture_output=True, check=False).returncode == 0


def refusal(path):
    """Return the name of the error that writing a new file meets; "" for none."""
    try:
        path.write_bytes(b"x" * 8192)
    except OSError as error:
        return errno.errorcode[error.errno]
    return ""


def test_a_disk_is_full_and_has_room_again(tmp_path):
    with Disk(tmp_path) as disk:
        disk.fill()
        assert refusal(disk.path / "a") == "ENOSPC"
        disk.free()
        assert refusal(disk.path / "b") == ""
    assert not mounted(disk.path)


def test_a_disk_is_read_only_and_writable_again_whether_files_are_open_or_not(tmp_path):
    with Disk(tmp_path) as disk:
        disk.read_only()
        assert refusal(disk.path / "a") == "EROFS"
        disk.writable()
        with (disk.path / "open").open("wb") as file:
            disk.read_only()
            assert refusal(disk.path / "a") == "EROFS"
            with pytest.raises(OSError, match="Read-only"):
                os.write(file.fileno(), b"x")
        disk.writable()
        assert refusal(disk.path / "a") == ""


def test_a_disk_that_fails_answers_with_errors(tmp_path):
    with Disk(tmp_path) as disk:
        disk.fail()
        assert refusal(disk.path / "a") == "EIO"
        disk.writable()
        assert refusal(disk.path / "a") == ""


def test_who_writes_to_a_frozen_disk_waits_and_the_end_thaws_it(tmp_path):
    disk = Disk(tmp_path)
    thread = threading.Thread(target=(disk.path / "a").write_bytes, args=(b"x",))
    with disk:
        disk.freeze()
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
    thread.join(5)
    assert not thread.is_alive()
    assert not mounted(disk.path)
