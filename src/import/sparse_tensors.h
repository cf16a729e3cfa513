// SparseTensorProto -> ir::TensorData: the tensor with its zeros.
#pragma once

#include <onnx/onnx-ml.pb.h>

#include "import/tensors.h"

namespace dovetail::import {

// Indices that are not sorted, repeated or out of range, and hostile shapes are kValue.
ir::TensorData read_sparse(const onnx::SparseTensorProto& tensor, Tensors& tensors);

}  // namespace dovetail::import
