// Names of tensors, dimensions and nodes are kept in the library, and users give them: they are
// text.
#pragma once

#include <onnx/onnx-ml.pb.h>

#include <string>

namespace dovetail::import {

// kValue for the first one that is no UTF-8 or holds NUL.
void require_text_names(const onnx::ModelProto& model, const std::string& file);

}  // namespace dovetail::import
