// The names of one ONNX graph while it is imported, and how it sees those of the graphs around it.
#pragma once

#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ir/graph.h"

namespace dovetail::import {

class Scope {
 public:
  // A body that becomes part of the graph around it has that one's ir::Graph, another its own.
  // `path` stands before the names of its nodes and params.
  Scope(ir::Graph& graph, Scope* outer, std::string path)
      : graph_(graph), outer_(outer), path_(std::move(path)) {}

  ir::Graph& graph() { return graph_; }
  const std::string& path() const { return path_; }

  void set(const std::string& name, ir::Value* value) { values_[name] = value; }
  bool knows(const std::string& name) const;
  // The tensor of this name in this scope's graph; nullptr when there is none. What lies in another
  // graph is captured: weights and what follows from them alone are repeated here, the rest becomes
  // an input of the body.
  ir::Value* find(const std::string& name);
  // An outer value in this scope's graph.
  ir::Value* capture(ir::Value* value);
  // Outer values in the order of the inputs they became.
  const std::vector<ir::Value*>& captured() const { return captured_; }

 private:
  bool follows_from_params(const ir::Value* value);
  ir::Value* repeat(const ir::Value* value);

  ir::Graph& graph_;
  Scope* outer_;
  std::string path_;
  std::unordered_map<std::string, ir::Value*> values_;
  std::unordered_map<const ir::Value*, ir::Value*> here_;  // outer values
  std::unordered_map<const ir::Value*, bool> from_params_;
  std::vector<ir::Value*> captured_;
};

}  // namespace dovetail::import
