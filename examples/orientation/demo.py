"""Compiles a real model into a native library, loads it and asks which way a page is turned.

    demo.py DOVETAIL MODEL.onnx FOLDER
"""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import tvm_ffi
from page import draw_page, model_input

ANGLES = [0, 90, 180, 270]  # the model's four classes


def timed(label, work):
    start = time.perf_counter()
    result = work()
    print(f"{label:<44}{(time.perf_counter() - start) * 1e3:9.2f} ms")
    return result


def main():
    compiler, model, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    library = folder / "orientation.so"
    command = [compiler, "build", model, "-o", str(library), "--name", "orientation"]
    timed("compile the model into a library", lambda: subprocess.run(command, check=True))
    lib = timed("load the library", lambda: tvm_ffi.load_module(str(library)))
    executor = timed("create an executor", lambda: lib["orientation"](tvm_ffi.device("cpu:0")))
    page = draw_page()
    wrong = 0
    for turns, angle in enumerate(ANGLES):
        image = model_input(np.ascontiguousarray(np.rot90(page, -turns)))

        def ask(image=image):
            executor["set_input"]("x", image)
            executor["run"]()
            return np.from_dlpack(executor["get_output"](0))

        scores = timed(f"ask about a page turned by {angle} degrees", ask)
        answer = ANGLES[int(scores[0].argmax())]
        print(f"    it is turned by {answer} degrees (score {scores[0].max():.3f})")
        wrong += answer != angle
    print(f"{library.stat().st_size / 1e6:.1f} MB library, weights inside; {len(ANGLES) - wrong} of 4 answers right")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
