// How place() works, shared by its parts: place.cc holds the graph's own walk, place_regions.cc
// what becomes of the bodies in it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "compiler/place.h"

namespace dovetail::compiler {

// Where a body's inputs lie and its outputs should be written (anywhere: buffer -1).
struct Border {
  std::vector<ir::Placement> inputs, outputs;
  std::set<std::string> symbols;  // defined by steps before the body
  // Symbols that the body decides: they are known once their expressions are.
  std::vector<std::pair<std::string, ir::Dim>> binds;
};

class Placer {
 public:
  Placer(ir::Graph& graph, Placed* placed);
  void run();                      // of a model
  void run(const Border& border);  // of a body

 private:
  using Iterator = std::list<std::unique_ptr<ir::Node>>::iterator;

  int new_buffer(ir::Buffer::Kind kind, int index, const ir::Dim& bytes);
  void walk();

  // Demands: where a value should be written because somebody else's memory waits for it.
  void place_outputs();
  void demand(const ir::Value* value, const ir::Placement& placement);
  void push_demand(const ir::Node& node);
  void demand_slices(const ir::Node& node, const ir::Concat& concat);
  std::vector<std::pair<ir::Value*, ir::Placement>> slices_of(const ir::Node& node,
                                                              const ir::Concat& concat);

  // Fresh buffers.
  std::pair<std::vector<ir::Dim>, ir::Dim> own_layout(const ir::Value* value);
  bool rows_stay_whole(const ir::Value* value, const ir::Dim& row) const;
  void collect_contracted(const ir::Value* value, bool* contracted) const;

  // Forward: every value gets its placement.
  void place_node(Iterator it);
  void place_border(const ir::Node& node, ir::Buffer::Kind kind, int index);
  void place_result(const ir::Node& node, const ir::Value* value);
  void place_view(Iterator it);
  std::optional<ir::Placement> view_placement(const ir::Node& node);
  void accept_operand(ir::Node& node, int k);
  ir::Value* copy_compact(ir::Value* value, ir::Node* before);
  ir::Value* copy_to(ir::Value* value, const ir::Placement& placement, ir::Node* before);
  void finish_outputs();

  // Symbols that are defined where the walk stands. Memory can be written to only when all of its
  // own are.
  void define(const std::vector<std::string>& symbols);
  bool is_known(const ir::Dim& dim) const;
  bool is_known(const ir::Placement& placement) const;

  // place_regions.cc
  void place_if(ir::Node& node, const ir::If& op);
  void place_loop(ir::Node& node, const ir::Loop& op);
  void place_state(ir::Node& node, const ir::Loop& op, int s, ir::Value* initial,
                   const ir::Value* next, Border* border, LoopMoves* moves);
  void place_scan(ir::Node& node, const ir::Loop& op, int k, const ir::Value* part, Border* border);
  ir::Placement own_memory(const ir::Value* value, bool grows);
  bool result_is_known(const ir::Value* value) const;
  const ir::Node* move(ir::Value* value, const ir::Placement& to, const ir::Node& node);

  ir::Graph& graph_;
  Placed& placed_;
  std::unordered_map<const ir::Value*, std::vector<ir::Node*>> users_;
  std::unordered_map<const ir::Value*, ir::Placement> demands_;
  std::vector<ir::Placement> output_placements_;
  const Border* border_ = nullptr;
  std::set<std::string> run_symbols_;  // of the whole model
  int num_params_ = 0;
  std::set<std::string> defined_;  // those of run_symbols_ that are defined by now
};

}  // namespace dovetail::compiler
