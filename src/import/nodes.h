// The nodes of a graph as one list: functions local to the model are replaced by their bodies, and
// every node stands after those that make what it reads.
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
  std::vector<std::string> reads;  // inputs, and what its bodies read from outside of them
};

// The model's graph, or a body in it.
struct GraphSource {
  const onnx::ModelProto& model;
  const onnx::GraphProto& graph;
  const std::string& file;
  std::string scope;  // before the names of its nodes: "" or "if_3/then_branch/"
  std::shared_ptr<const Opsets> opsets;
  std::set<std::string> defined;                          // names of inputs and initializers
  std::function<bool(const std::string&)> known_outside;  // names of the graphs around it
};

// Tensors that nothing makes or that two make, and cycles, are kValue; nodes out of order are
// sorted with a warning.
std::vector<Node> ordered_nodes(const GraphSource& source,
                                const std::function<void(const std::string&)>& on_warning);

// Every name that a graph's inputs, initializers and nodes give.
std::set<std::string> names_made(const onnx::GraphProto& graph);
// A node's inputs and the names that its bodies read from outside; "" are left out.
std::vector<std::string> names_read(const onnx::NodeProto& node);

}  // namespace dovetail::import
