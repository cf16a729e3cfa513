// The tensors of a rows kernel as its code reaches them: pointers, byte strides, loads and stores.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernels/rows/axes.h"

namespace dovetail::kernels::rows {

// Where the values of the moment are computed.
struct Position {
  loop::Value vector_index;               // first element along the vector axis
  std::optional<loop::Value> count = {};  // lanes that exist, when not all do
  std::optional<loop::Value> tile_index = {};
  std::vector<loop::Value> reduced = {};  // indices of the inner loops
};

// Tensors are numbered operands first, then results.
class Tensors {
 public:
  // `lanes` is 1 where elements are taken one by one.
  Tensors(const Request& request, const LoopNest& nest, int lanes, loop::Builder& b, Call& call);

  // Declares a parameter and what is passed for it.
  loop::Value int_parameter(const std::string& name, const ir::Dim& value);
  void declare_pointers();
  void declare_kept_axes();
  void declare_inner_axes();  // reduced, tile and vector

  int count() const { return static_cast<int>(num_operands_ + num_results_); }
  int result(int k) const { return static_cast<int>(num_operands_) + k; }
  const std::vector<loop::Value>& kept_extents() const { return kept_extents_; }
  const std::vector<loop::Value>& reduced_extents() const { return reduced_extents_; }

  // What follows is in the row of these indices of the kept axes.
  void enter_row(const std::vector<loop::Value>& kept);

  // All lanes equal where the tensor repeats along the vector axis or `one` element is wanted.
  loop::Value load(int t, const Position& at, int lanes, bool one);
  void store(int t, const Position& at, const loop::Value& value);
  void store_one(int t, const loop::Value& value);  // at the start of the row

  // Transpositions: whether operand t runs along the tile axis, and its square of elements at
  // `vector_index`, `tile_index`, as if it ran along the vector axis: vector j is tile index + j.
  bool runs_along_tile(int t) const;
  std::vector<loop::Value> load_transposed(int t, const Position& at);
  // The same where only so many elements along both axes exist; the others hold anything.
  std::vector<loop::Value> load_transposed(int t, const Position& at,
                                           const loop::Value& vector_count,
                                           const loop::Value& tile_count);

 private:
  ir::DType dtype(int t) const;
  std::vector<loop::Value> stride_parameters(const Axis& axis, const std::string& name);
  loop::Value offset(int t, const Position& at);
  loop::Value along_vector(int t, const loop::Value& index);

  const Request& request_;
  const LoopNest& nest_;
  size_t num_operands_;
  size_t num_results_;
  int lanes_;
  loop::Builder& b_;
  Call& call_;
  std::vector<loop::Value> pointers_, kept_extents_, reduced_extents_;
  // Byte strides by axis and tensor; those that are known to be 0 are invalid values.
  std::vector<std::vector<loop::Value>> kept_strides_, reduced_strides_;
  std::vector<loop::Value> vector_strides_, tile_strides_, row_offsets_;
};

}  // namespace dovetail::kernels::rows
