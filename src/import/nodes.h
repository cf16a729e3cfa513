// The nodes of a model's graph as one list: functions local to the model are replaced by their
// bodies, and every node stands after those that make its inputs.
#pragma once

#include <onnx/onnx-ml.pb.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "import/model_file.h"

namespace dovetail::import {

struct Node {
  const onnx::NodeProto* proto = nullptr;
  std::shared_ptr<const onnx::NodeProto> owner;  // of a node made by inlining
  std::string name;   // the node's own, or "#index OpType"; within a function after the call's name
  std::string title;  // as errors call it: "node 'conv_1' (Conv)", "node #3 Conv"
  std::shared_ptr<const Opsets> opsets;
};

// `defined`: names of inputs and initializers. Tensors that nothing makes or that two make, and
// cycles, are kValue; nodes out of order are sorted with a warning.
std::vector<Node> ordered_nodes(const onnx::ModelProto& model, const std::string& file,
                                const std::set<std::string>& defined,
                                const std::function<void(const std::string&)>& on_warning);

}  // namespace dovetail::import
