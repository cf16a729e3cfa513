// The frame of the passes: a pass walks a graph in order and writes its successor, so that every
// rewrite sees operands that are rewritten already and no list is edited while it is walked.
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ir/graph.h"

namespace dovetail::passes {

class Rebuild {
 public:
  // The successor starts with the inputs.
  explicit Rebuild(ir::Graph& graph);

  ir::Graph& next() { return next_; }
  // What an old value became.
  ir::Value* at(const ir::Value* old) const { return now_.at(old); }
  bool has(const ir::Value* old) const { return now_.contains(old); }
  std::vector<ir::Value*> operands_of(const ir::Node& old) const;
  void set(const ir::Value* old, ir::Value* now);
  // A new node that carries these origins.
  ir::Value* make(ir::Primitive op, std::vector<ir::Value*> operands,
                  const std::vector<std::string>& origins);
  // The same node over the new operands.
  void copy(const ir::Node& old);
  // The old graph becomes the new one, less what is dead; every output must be set.
  void finish();

 private:
  ir::Graph& old_;
  ir::Graph next_;
  std::unordered_map<const ir::Value*, ir::Value*> now_;
};

// Nodes that read each value, graph outputs counted as one each.
std::unordered_map<const ir::Value*, int> count_uses(const ir::Graph& graph);

// Values that depend on params and constants alone and have static shapes: prepare computes them.
std::unordered_set<const ir::Value*> prepared_values(const ir::Graph& graph);

// The names of `a`, then those of `b` that are not in `a`.
std::vector<std::string> join_origins(std::vector<std::string> a,
                                      const std::vector<std::string>& b);

// Elements, every symbol taken as 64: compares the cost of moving tensors.
double weight_of(const ir::Shape& shape);

}  // namespace dovetail::passes
