// The types of a model's inputs: declared shapes with the caller's --shape and --dim applied.
#pragma once

#include <onnx/onnx-ml.pb.h>

#include <string>
#include <vector>

#include "import/import.h"

namespace dovetail::import {

struct InputType {
  std::string name;
  ir::TensorType type;
};
struct InputTypes {
  std::vector<InputType> inputs;
  ir::SymbolBounds symbols;  // of every dimension that stays symbolic
};

// `inputs`: those that are no weights. A nameless extent (or one called "?", as some exporters
// write it) becomes the symbol INPUT.AXIS; equal names are one symbol. Unknown inputs and dims
// (kKey) and contradictions (kValue) list what there is.
InputTypes input_types(const std::vector<const onnx::ValueInfoProto*>& inputs,
                       const std::string& file, const Options& options);

// Without any option.
Interface declared_interface(const std::vector<const onnx::ValueInfoProto*>& inputs,
                             const std::string& file);

}  // namespace dovetail::import
