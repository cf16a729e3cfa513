"""onnxruntime on one thread, with all of its optimisations."""

import onnxruntime


def prepare(model, inputs):
    """Returns a function that feeds the inputs, runs and returns every output."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(model), options, providers=["CPUExecutionProvider"]
    )
    return lambda: session.run(None, inputs)
