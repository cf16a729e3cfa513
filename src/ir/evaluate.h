// The evaluator: the meaning of every primitive, executed plainly. It folds small tensors at
// compile time and is the oracle of unit tests (floats are computed in double and rounded once per
// node).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace dovetail::ir {

using SymbolValues = std::map<std::string, int64_t>;

// One node on concrete operands; symbolic attributes are evaluated with `symbols`. What the node
// defines is not added to them.
std::vector<TensorData> evaluate(const Node& node, const std::vector<TensorData>& operands,
                                 const SymbolValues& symbols = {});
// A whole graph: one tensor per input; symbols are bound from the inputs' shapes and by the nodes
// that define some. Params are read. kValue when a check fails.
std::vector<TensorData> evaluate(const Graph& graph, const std::vector<TensorData>& inputs);

// Known content of an integer result from known contents of the operands (Value::elements): shape
// arithmetic stays symbolic. Nothing when it is not known. Called by Graph::add for every node.
std::optional<std::vector<Dim>> evaluate_symbolic(const Node& node);

}  // namespace dovetail::ir
