"""Imports without garbage collections."""

import gc
from pathlib import Path

import pytest

from roilab.quick_imports import quick_imports


def test_collections_go_on_after_the_imports() -> None:
    assert gc.isenabled()
    with quick_imports():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ModuleNotFoundError), quick_imports():
        import no_such_package  # noqa: F401
    assert gc.isenabled()


def test_only_a_block_that_imports_leaves_objects_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "quickly_imported.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    frozen = []
    for _ in range(2):
        with quick_imports():
            import quickly_imported  # noqa: F401
        frozen.append(gc.get_freeze_count())
        later = [[] for _ in range(100_000)]  # lists that the next freeze would count
    assert len(later) == 100_000
    assert frozen[1] <= frozen[0]


def test_a_block_without_collections_leaves_them_off() -> None:
    gc.disable()
    try:
        with quick_imports():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
