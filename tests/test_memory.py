import platform
import subprocess
import sys

import pytest

HELD = """
import ctypes, os
from pathlib import Path
from ensemble.memory import give_back_freed_memory, keep_freed_memory
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20
assert keep_freed_memory()
parts = [libc.malloc(1 << 20) for _ in range(200)]
for part in parts:
    libc.memset(part, 1, 1 << 20)
for part in parts:
    libc.free(part)
kept = resident()
give_back_freed_memory()
print(kept - resident())
"""

COUNT = """
import ctypes, resource, sys
from ensemble.memory import keep_freed_memory
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
if sys.argv[1] == "keep":
    assert keep_freed_memory()
parts = (ctypes.c_void_p * 1000)()
def step():
    for k in range(1000):
        parts[k] = libc.malloc(65536)
        libc.memset(parts[k], 1, 65536)
    for k in range(1000):
        libc.free(parts[k])
for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_freed_memory_is_kept_for_the_next_step():
    faults = {
        how: int(subprocess.run([sys.executable, "-c", COUNT, how], capture_output=True, text=True, check=True).stdout)
        for how in ("keep", "return")
    }
    assert faults["keep"] < 200
    assert faults["return"] > 10_000


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_kept_memory_is_given_back_when_another_solver_begins():
    ran = subprocess.run([sys.executable, "-c", HELD], capture_output=True, text=True, check=True)
    assert int(ran.stdout) > 150
