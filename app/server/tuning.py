"""Tune the C library's allocator and the Python interpreter for a server."""

import ctypes
import gc
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # of glibc, mallopt(3)
MMAP_THRESHOLD_BYTES = 2**21  # above the network's buffers for a batch of 16 (1.2 MB): mapping those each time is slow
TRIM_THRESHOLD_BYTES = 2**25  # free bytes kept at the end of the heap; with less, a prediction took a third longer
MAX_ARENAS = 2  # one for the event loop, one for all other threads
SWITCH_SECONDS = 0.0005  # that a thread may keep the interpreter's lock while another waits; Python's default is 0.005


def tune_malloc() -> None:
    """Fix glibc's thresholds, which otherwise rise with each freed block, and its number of arenas. No-op elsewhere.

    Decoding pictures in threads fragments the heap: with glibc's defaults, 1,800 broken pictures made the process grow
    from 130 to 390 MB; with these values, 8,400 hostile requests from 164 to 204 MB.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
        mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES)
        mallopt(M_ARENA_MAX, MAX_ARENAS)


def tune_garbage_collector() -> None:
    """Exclude all present objects from collection, and collect after 5,000 new objects instead of 700.

    The objects of a hundred waiting requests survive the young generations; full collections then took a tenth of the
    CPU time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5000, 20, 20)


def tune_thread_switching() -> None:
    """Let a thread that draws plots give way to the event loop ten times as often as by Python's default.

    Each step of a prediction that needs the interpreter's lock waits for it. While 20 clients ask for plots, the
    slowest prediction of a 320x400 PNG took 185 to 430 ms with the default, and 104 to 137 ms with this value.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
