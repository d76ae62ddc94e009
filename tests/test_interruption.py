"""Signals end a command with 128 + their number, or let it save its progress first."""

import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing import get_context

import pytest

from roilab import interruption
from roilab.interruption import Interrupted, defer, interruptible, requested


@pytest.fixture
def no_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take two signals at once for two, not for one that was sent twice."""
    monkeypatch.setattr(interruption, "_SAME_SIGNAL", 0.0)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = [signal.getsignal(number) for number in interruption.SIGNALS]
    yield
    assert [signal.getsignal(number) for number in interruption.SIGNALS] == before


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0.01)  # the handler runs


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGUSR1, 138)]
)
def test_exit_code_and_one_line(
    number: signal.Signals, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        with interruptible():
            try:
                send(number)
            except Interrupted as end:
                end.note = "kept: a.ckpt."
                raise
            finally:
                cleaned.append(True)

    cleaned = list[bool]()
    with pytest.raises(SystemExit) as ended:
        work()
    assert ended.value.code == code
    assert cleaned
    assert capsys.readouterr().err == f"interrupted by {number.name}; kept: a.ckpt.\n"


def test_a_deferred_signal_is_noted_and_a_second_one_ends(no_repeat: None) -> None:
    with interruptible():
        defer(60)
        assert requested() is None
        send(signal.SIGTERM)
        assert requested() == signal.SIGTERM
        with pytest.raises(Interrupted) as ended:
            send(signal.SIGINT)
    assert ended.value.code == 143
    assert requested() is None


def test_the_grace_period_ends_a_wait() -> None:
    began = time.monotonic()
    with interruptible():
        defer(0.2)
        send(signal.SIGTERM)
        send(signal.SIGTERM)  # the same, sent to the process and to its group
        with pytest.raises(Interrupted):
            time.sleep(30)
    assert 0.15 < time.monotonic() - began < 5


def test_a_handler_of_another_program_stays() -> None:
    """A launcher of batch jobs handles SIGTERM itself."""
    received = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    try:
        with interruptible():
            send(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert received == [signal.SIGTERM]


def test_a_forked_process_leaves_signals_to_its_parent() -> None:
    with interruptible():
        process = get_context("fork").Process(target=send, args=(signal.SIGINT,))
        process.start()
        process.join()
    assert process.exitcode == 0


def test_nothing_is_done_in_a_thread() -> None:
    def work() -> None:
        with interruptible():
            defer(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not interruption.watching()


def test_the_number_survives_another_process() -> None:
    end = pickle.loads(pickle.dumps(Interrupted(signal.SIGTERM, "kept")))
    assert (end.code, end.number, end.note) == (143, signal.SIGTERM, "kept")
