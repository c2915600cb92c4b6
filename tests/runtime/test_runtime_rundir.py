"""Where the runtime directory is: in memory, found by the data directory's path, trusted by its owner."""

import os
from pathlib import Path

import pytest

from streamgate.runtime import rundir
from streamgate.runtime.rundir import link_from, make_runtime_dir, runtime_dir

in_memory = pytest.mark.skipif(
    not os.access(rundir.SHARED_MEMORY, os.W_OK), reason="there is no shared memory on this machine"
)


@in_memory
def test_it_is_in_memory_and_private(tmp_path: Path) -> None:
    place = make_runtime_dir(tmp_path)
    assert place.parent == rundir.SHARED_MEMORY
    assert place.stat().st_mode & 0o777 == 0o700
    assert make_runtime_dir(tmp_path) == place


@in_memory
def test_it_is_found_when_the_data_directory_is_gone_and_by_another_name_for_it(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    place = make_runtime_dir(root)
    (tmp_path / "alias").symlink_to(root)
    assert runtime_dir(tmp_path / "alias") == place
    root.rmdir()
    assert runtime_dir(root) == place
    assert runtime_dir(tmp_path / "other") != place


@in_memory
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a directory away")
@pytest.mark.parametrize("mode", [0o700, 0o777])
def test_what_somebody_else_put_there_is_not_used(tmp_path: Path, mode: int) -> None:
    place = make_runtime_dir(tmp_path)
    place.chmod(mode)
    if mode == 0o700:
        os.chown(place, 12345, 12345)
    assert runtime_dir(tmp_path) == tmp_path / "run"


@in_memory
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a directory away")
def test_root_finds_the_one_of_the_data_directorys_owner(tmp_path: Path) -> None:
    place = make_runtime_dir(tmp_path)
    os.chown(place, 12345, 12345)
    os.chown(tmp_path, 12345, 12345)
    assert runtime_dir(tmp_path) == place


def test_without_shared_memory_it_is_in_the_data_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rundir, "SHARED_MEMORY", tmp_path / "nowhere")
    assert make_runtime_dir(tmp_path) == tmp_path / "run"
    link_from(tmp_path, tmp_path / "run")
    assert not (tmp_path / "run").is_symlink()


@in_memory
def test_people_find_it_by_a_link_that_takes_the_place_of_an_older_directory(tmp_path: Path) -> None:
    place = make_runtime_dir(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "gate.lock").write_text("1")
    link_from(tmp_path, place)
    assert (tmp_path / "run").readlink() == place
    link_from(tmp_path, place)  # nothing to do
    (tmp_path / "run").unlink()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "somebody's notes").write_text("keep")
    link_from(tmp_path, place)
    assert (tmp_path / "run").readlink() == place
    assert (tmp_path / "run.old" / "somebody's notes").read_text() == "keep"
