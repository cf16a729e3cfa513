"""The runtime's shared object: small, and in need of nothing but the C++ library and the system's."""

import re
import shutil
import subprocess

LIMIT = 300_000  # bytes
ALLOWED = {"libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1"}


def output_of(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout


def test_size_and_needs(build_dir, tmp_path, capsys):
    library = tmp_path / "stripped.so"
    shutil.copy(build_dir / "lib" / "libdovetail_runtime.so", library)
    output_of("strip", library)
    size = library.stat().st_size
    needed = re.findall(r"NEEDED.*\[(.*)\]", output_of("readelf", "-d", library))
    with capsys.disabled():
        print(f"\nlibdovetail_runtime.so, stripped: {size} bytes; needs {', '.join(needed)}")
    assert size < LIMIT
    assert set(needed) <= ALLOWED


def test_shows_what_its_headers_declare(build_dir):
    names = output_of("nm", "-D", "--defined-only", "-C", build_dir / "lib" / "libdovetail_runtime.so").splitlines()
    shown = [line.split(maxsplit=2)[2] for line in names]
    other = [n for n in shown if "dovetail::" not in n and not n.startswith(("dovetail_", "std::", "typeinfo", "vtable"))]
    assert not other
    assert not [n for n in shown if "dovetail::runtime::" in n or "dovetail::detail::ExecutorNode::" in n]
