// Splits off what depends on params and constants alone: `prepare`, an ordinary graph whose inputs
// are the params and constants it reads and whose outputs are the prepared params. In the model
// each of those becomes a Param node with the same name and no data yet. A param that the model
// reads as it is becomes an output of prepare that is its input.
#pragma once

#include <memory>

#include "ir/graph.h"

namespace dovetail::passes {

struct PrepareInput {
  std::string name;  // the param's ONNX name; constants have made-up names "%constant.k"
  ir::TensorData data;
};

struct Split {
  std::shared_ptr<ir::Graph> prepare;
  std::vector<PrepareInput> prepare_inputs;  // one for each input of `prepare`
};

// Afterwards `model` holds no Constant node and its Param nodes are named as prepare's outputs, in
// the order of first use.
Split split_prepare(ir::Graph& model);

}  // namespace dovetail::passes
