// Decides where every value lies: buffers, strides, and which values are written straight into the
// slice of a concat or into a model output. Views cost nothing where strides can express them.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"
#include "ir/plan.h"

namespace dovetail::compiler {

// Copies around a loop, which are no part of its graph: initial states go to where the states live
// before the first iteration, new states after each.
struct LoopMoves {
  std::vector<const ir::Node*> before, after;
};

struct Placed {
  std::vector<ir::Buffer> buffers;
  std::unordered_map<const ir::Value*, ir::Placement> values;
  std::set<std::string> run_symbols;
  std::unordered_map<const ir::Node*, LoopMoves> loop_moves;
  std::shared_ptr<ir::Graph> moves = std::make_shared<ir::Graph>();  // owns their nodes
};

// Inserts Copy nodes where a user cannot read a layout, a reshape cannot be a view, or a concat
// operand or output could not be placed. Afterwards every value has a placement, and Concat and
// view nodes compute nothing.
Placed place(ir::Graph& graph);

// What a body of an If gives to the symbols that the node defines.
std::vector<std::pair<std::string, ir::Dim>> result_binds(const ir::If& op, const ir::Graph& body);

// The same for what an iteration of a Loop gives: the parts of a scan, the next states.
std::vector<std::pair<std::string, ir::Dim>> scan_binds(const ir::Loop& op, int k,
                                                        const ir::Shape& part);
std::vector<std::pair<std::string, ir::Dim>> state_binds(const ir::Loop& op, int s,
                                                         const ir::Shape& shape);

// The strides of a reshape's result, when it can be a view of an operand with these strides.
std::optional<std::vector<ir::Dim>> reshape_strides(const ir::Shape& from,
                                                    const std::vector<ir::Dim>& strides,
                                                    const ir::Shape& to);

}  // namespace dovetail::compiler
