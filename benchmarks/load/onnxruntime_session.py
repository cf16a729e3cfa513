"""onnxruntime's side: a session on one thread, with all of its optimisations."""

import onnxruntime


def prepare(model):
    """(load, unload): load gives what unload takes."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3

    def load():
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    return load, lambda session: None
