// The rules of `simplify`, by kind of node. A rule looks at one node that is about to be made, over
// operands that are simplified already; it answers with an equal value, or nullptr when it has
// nothing better.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace dovetail::passes {

// Makes a node through all the rules.
using Make = std::function<ir::Value*(ir::Primitive, std::vector<ir::Value*>)>;

struct Rules {
  Make make;
  const ir::SymbolBounds* symbols = nullptr;
  // Whether nothing but the node at hand reads a value.
  std::function<bool(const ir::Value*)> read_once;
};

using Operands = std::vector<ir::Value*>;

// simplify_views.cc: permute, reshape, broadcast, slice, copy
ir::Value* simplify_view(const ir::Primitive& op, const Operands& operands, const Rules& rules);
// simplify_placements.cc: concat, pad, gather, reduce over extents of 1, zero borders of windows
ir::Value* simplify_placement(const ir::Primitive& op, const Operands& operands,
                              const Rules& rules);
// simplify_elementwise.cc: elementwise and the epilogue of contractions
ir::Value* simplify_elementwise(const ir::Primitive& op, const Operands& operands,
                                const Rules& rules);
// simplify_lookup.cc: the expressions of lookup and scatter
ir::Value* simplify_lookup(const ir::Primitive& op, const Operands& operands, const Rules& rules);
// simplify_expr.cc: identities that keep every bit, except the sign of NaN; constants fold in the
// expression's own precision. Equal parts are computed once.
ir::ScalarExpr simplify_expr(const ir::ScalarExpr& expr);

// node_key.cc: equal keys mean equal nodes; empty: never equal to another
std::string key_of(const ir::Primitive& op, const Operands& operands);

}  // namespace dovetail::passes
