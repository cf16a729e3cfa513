// Nodes with graphs inside, and the symbols that nodes define and use.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace dovetail::ir {

// The bodies of If and Loop. (A composite's body is part of its node, not a region.)
std::vector<Graph*> bodies_of(const Node& node);
// The graph and every body in it, innermost first.
void for_each_graph(Graph& graph, const std::function<void(Graph&)>& visit);

// Visits every expression among the attributes, bodies left out.
void for_each_dim(Primitive& op, const std::function<void(Dim&)>& visit);

// The input of `body`, one of the region's, that stands for a value of the graph around it: made
// for all bodies of the region when it is not there.
Value* capture(Node& region, Graph& body, Value* outer);
// Captures that no body reads are no operands any more.
void prune_captures(Node& region);
// How many of a region's operands come before its captures, and how many inputs of a body.
size_t operands_before_captures(const Node& region);
size_t inputs_before_captures(const Node& region);

// The symbols that a node defines for those behind it: of Measure, If and Loop.
const std::vector<std::string>& defined_symbols(const Node& node);
bool defines_symbols(const Node& node);
// The symbols in the types of its results, its attributes and its bodies (those defined in there
// too).
std::set<std::string> used_symbols(const Node& node);

// Every symbol that only a run knows: what the nodes of the graph and of its bodies define, and the
// iterations of loops.
std::set<std::string> run_symbols(const Graph& graph);

}  // namespace dovetail::ir
