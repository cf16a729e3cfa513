// Imports the graphs of one model: its own and the bodies of If, Loop and Scan in it.
#pragma once

#include <onnx/onnx-ml.pb.h>

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "import/import.h"
#include "import/nodes.h"
#include "import/scope.h"
#include "import/tensors.h"
#include "ops/op.h"

namespace dovetail::import {

// What a body became: a graph of its own, and the values of the graph around it that it reads.
struct Body {
  std::shared_ptr<ir::Graph> graph;
  std::vector<ir::Value*> outputs;
  std::vector<ir::Value*> captured;  // outer values, in the order of the last inputs
};

struct LoopParts;
struct ScanParts;

class GraphImporter {
 public:
  GraphImporter(std::shared_ptr<const onnx::ModelProto> model, const std::string& file,
                Tensors& tensors, const Options& options, ir::SymbolBounds given);

  // Initializers and nodes of a graph whose inputs are in `scope` already.
  void import_graph(const onnx::GraphProto& proto, Scope& scope,
                    const std::shared_ptr<const Opsets>& opsets);
  const std::shared_ptr<const Opsets>& opsets() const { return opsets_; }

 private:
  void add_initializers(const onnx::GraphProto& proto, const std::vector<Node>& nodes,
                        Scope& scope);
  ops::OnnxNode view_of(const Node& node, Scope& scope);
  void add_node(const Node& node, Scope& scope);

  // control_flow.cc. Each gives a value for every output of the node.
  ops::Values import_region(const Node& node, Scope& scope);
  ops::Values import_if(const Node& node, Scope& scope);
  std::vector<ir::Value*> import_inline(const Node& node, const onnx::GraphProto& proto,
                                        const std::string& name, Scope& scope);
  ops::Values import_assumed(const Node& node, ir::Value* condition, bool taken,
                             const std::string& reason, Scope& scope);
  std::variant<Body, std::string> try_branch(const Node& node, const onnx::GraphProto& proto,
                                             const std::string& name, Scope& scope);
  Body import_body(const Node& node, const onnx::GraphProto& proto, const std::string& name,
                   Scope& scope);
  std::vector<ir::Value*> outputs_of(const onnx::GraphProto& proto, Scope& scope);
  // loops.cc, scans.cc
  ops::Values import_loop(const Node& node, Scope& scope);
  ops::Values import_scan(const Node& node, Scope& scope);
  ops::Values import_sequence(const Node& node, Scope& scope, const ScanParts& scan);
  ops::Values import_batched_scan(const Node& node, Scope& scope, const onnx::GraphProto& proto,
                                  std::vector<ir::Value*> inputs);
  ops::Values import_repeated(const Node& node, Scope& scope, const LoopParts& parts);
  void import_iteration(const Node& node, Scope& scope, const LoopParts& parts, const ir::Loop& op,
                        Body* body);
  ops::Values add_loop(Scope& scope, const LoopParts& parts, ir::Loop op, Body body,
                       const ir::SymbolBounds& known);
  // Of a node with bodies; only the first `optional` ones may be absent (nullptr).
  static std::vector<ir::Value*> inputs_of(const Node& node, Scope& scope, size_t optional);
  ops::Values add_if(const Node& node, ir::Value* condition, Body then_body, Body else_body,
                     Scope& scope);

  std::shared_ptr<const onnx::ModelProto> model_;
  const std::string& file_;
  Tensors& tensors_;
  const Options& options_;
  const ir::SymbolBounds given_;  // the dimensions of the model's inputs
  std::shared_ptr<const Opsets> opsets_;
};

// The body among a node's attributes; kValue when it is not there.
const onnx::GraphProto& body_of(const Node& node, const std::string& attribute);

}  // namespace dovetail::import
