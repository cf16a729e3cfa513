// AttributeProto -> ops::Attribute.
#pragma once

#include <onnx/onnx-ml.pb.h>

#include <string>

#include "import/tensors.h"
#include "ops/op.h"

namespace dovetail::import {

// Subgraphs and types are kUnsupported.
ops::Attribute attribute_of(const onnx::AttributeProto& attribute, Tensors& tensors);

}  // namespace dovetail::import
