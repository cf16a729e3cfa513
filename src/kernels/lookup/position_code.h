// The code of items over the positions of a domain: loops over rows, and what each level computes.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernels/lookup/items.h"
#include "kernels/task_writer.h"

namespace dovetail::kernels::lookup {

// Elements that are computed at once.
struct Block {
  loop::Value index;  // of the first along the element axis
  int lanes = 1;
  std::optional<loop::Value> count = {};  // lanes that exist, when not all do
};

class PositionCode {
 public:
  // Declares every parameter. All items are known by now.
  PositionCode(TaskWriter& task, const Items& items, const std::vector<ir::Dim>& dims);

  loop::Value zero() { return b_.constant(int64_t{0}); }
  // Along the element axis, and of all rows; constants where there is no such axis.
  const loop::Value& row_length() const { return row_length_; }
  const loop::Value& num_rows() const { return num_rows_; }
  const loop::Value& extent(int tensor, int axis) const {
    return tensors_.at(tensor).extents[axis];
  }
  const loop::Value& pointer(int tensor) const { return tensors_.at(tensor).pointer; }

  // What does not vary; before `each_row`.
  void begin();
  // Calls body() in the row's block for rows first..last, when its items are computed.
  void each_row(const loop::Value& first, const loop::Value& last,
                const std::function<void()>& body);

  // An item's value: a scalar below the element level; at it, `block.lanes` lanes.
  loop::Value row_value(int item) const { return values_.at(item); }
  loop::Value row_value_or_zero(int item) { return item < 0 ? zero() : values_.at(item); }
  loop::Value value(int item, const Block& block);
  // Forgets the values of the block before.
  void start_block() { block_values_.clear(); }
  loop::Value spread(const loop::Value& value, int lanes);

  // Bytes from the start of a row's elements to a block, along a run.
  loop::Value run_offset(int tensor, const Run& run, const Block& block);
  // Narrows low..high to the elements whose coordinate along a run is inside.
  void clip(int tensor, const Run& run, loop::Value* low, loop::Value* high);
  // Whether a tensor that may be empty has elements.
  const loop::Value& is_filled(int tensor) const { return filled_.at(tensor); }

 private:
  struct Tensor {
    loop::Value pointer;
    std::vector<loop::Value> extents, strides;  // strides in bytes
  };
  void declare_tensor(int t);
  void compute(Level level);
  void enter_outer(const loop::Value& row);
  loop::Value emit(int item, const Block& block);
  loop::Value emit_scalar_node(const Item& item, const Block& block);
  loop::Value emit_load(int item, const Block& block);
  loop::Value load_run(const Item& item, const Run& run, const Block& block);
  loop::Value emit_term(const Item& item, const Block& block);

  TaskWriter& task_;
  const Items& items_;
  loop::Builder& b_;
  std::map<int, Tensor> tensors_;
  std::vector<loop::Value> dims_;
  std::map<int, loop::Value> extents_;  // of domain axes above the elements
  loop::Value row_length_, num_rows_;
  std::map<int, loop::Value> values_;  // below the element level
  std::map<int, loop::Var> kept_;      // outer items, between rows
  std::map<int, loop::Value> block_values_;
  std::map<int, loop::Value> filled_;
};

}  // namespace dovetail::kernels::lookup
