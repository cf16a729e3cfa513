#include "kernels/rows/tensors.h"

#include <fmt/format.h>

#include "kernels/rows/transpose.h"

namespace dovetail::kernels::rows {

using ir::Dim;
using loop::Value;

Tensors::Tensors(const Request& request, const LoopNest& nest, int lanes, loop::Builder& b,
                 Call& call)
    : request_(request),
      nest_(nest),
      num_operands_(request.operands.size()),
      num_results_(request.results.size()),
      lanes_(lanes),
      b_(b),
      call_(call) {}

Value Tensors::int_parameter(const std::string& name, const Dim& value) {
  call_.arguments.push_back(Argument::integer(value));
  return b_.int_parameter(name);
}

ir::DType Tensors::dtype(int t) const {
  const auto index = static_cast<size_t>(t);
  return index < num_operands_ ? request_.operands[index].dtype
                               : request_.results[index - num_operands_].dtype;
}

void Tensors::declare_pointers() {
  for (int t = 0; t < count(); ++t) {
    pointers_.push_back(b_.pointer_parameter(
        fmt::format("{}{}", t < static_cast<int>(num_operands_) ? "in" : "out", t)));
    call_.arguments.push_back(Argument::pointer(t));
  }
}

// Strides that are 0 and, along the vector axis, 1 element are part of the code.
std::vector<Value> Tensors::stride_parameters(const Axis& axis, const std::string& name) {
  std::vector<Value> strides(count());
  for (int t = 0; t < count(); ++t) {
    if (axis.strides[t] == Dim(0)) continue;
    strides[t] =
        int_parameter(fmt::format("{}_stride{}", name, t), axis.strides[t] * ir::size_of(dtype(t)));
  }
  return strides;
}

void Tensors::declare_kept_axes() {
  for (size_t i = 0; i < nest_.kept.size(); ++i) {
    kept_extents_.push_back(int_parameter(fmt::format("kept{}", i), nest_.kept[i].extent));
    kept_strides_.push_back(stride_parameters(nest_.kept[i], fmt::format("kept{}", i)));
  }
}

void Tensors::declare_inner_axes() {
  for (size_t i = 0; i < nest_.reduced.size(); ++i) {
    const std::string name = fmt::format("reduced{}", i);
    reduced_extents_.push_back(int_parameter(name, nest_.reduced[i].extent));
    reduced_strides_.push_back(stride_parameters(nest_.reduced[i], name));
  }
  if (nest_.tile) tile_strides_ = stride_parameters(*nest_.tile, "tile");
  if (lanes_ == 1 || nest_.tile) {
    vector_strides_ = stride_parameters(nest_.vector, "vector");
  }
}

void Tensors::enter_row(const std::vector<Value>& kept) {
  row_offsets_.assign(count(), b_.constant(int64_t{0}));
  for (size_t i = 0; i < kept.size(); ++i) {
    for (int t = 0; t < count(); ++t) {
      if (kept_strides_[i][t].valid())
        row_offsets_[t] = row_offsets_[t] + kept[i] * kept_strides_[i][t];
    }
  }
}

Value Tensors::offset(int t, const Position& at) {
  Value offset = row_offsets_[t];
  for (size_t i = 0; i < at.reduced.size(); ++i) {
    if (reduced_strides_[i][t].valid()) offset = offset + at.reduced[i] * reduced_strides_[i][t];
  }
  if (at.tile_index && tile_strides_[t].valid())
    offset = offset + *at.tile_index * tile_strides_[t];
  return offset;
}

Value Tensors::along_vector(int t, const Value& index) {
  if (nest_.vector.strides[t] == Dim(0)) return b_.constant(int64_t{0});
  return lanes_ == 1 ? index * vector_strides_[t] : b_.element(index, dtype(t));
}

Value Tensors::load(int t, const Position& at, int lanes, bool one) {
  const Value start = offset(t, at);
  if (one || nest_.vector.strides[t] == Dim(0))
    return b_.broadcast(b_.load(loop::scalar(dtype(t)), pointers_[t], start), lanes);
  const Value place = start + along_vector(t, at.vector_index);
  const loop::Type type{dtype(t), lanes, false};
  return at.count && lanes > 1 ? b_.load_masked(type, pointers_[t], place, *at.count)
                               : b_.load(type, pointers_[t], place);
}

void Tensors::store(int t, const Position& at, const Value& value) {
  const Value place = offset(t, at) + along_vector(t, at.vector_index);
  if (at.count) {
    b_.store_masked(value, pointers_[t], place, *at.count);
  } else {
    b_.store(value, pointers_[t], place);
  }
}

void Tensors::store_one(int t, const Value& value) {
  b_.store(value, pointers_[t], row_offsets_[t]);
}

bool Tensors::runs_along_tile(int t) const {
  return nest_.tile && nest_.vector.strides[t] != Dim(0) && nest_.vector.strides[t] != Dim(1);
}

std::vector<Value> Tensors::load_transposed(int t, const Position& at) {
  const Value start = offset(t, at);
  std::vector<Value> rows;
  for (int i = 0; i < lanes_; ++i) {
    rows.push_back(b_.load(loop::vector(dtype(t), lanes_), pointers_[t],
                           start + (at.vector_index + i) * vector_strides_[t]));
  }
  return transpose(b_, std::move(rows));
}

// Rows behind the last one are the last one again.
std::vector<Value> Tensors::load_transposed(int t, const Position& at, const Value& vector_count,
                                            const Value& tile_count) {
  const Value start = offset(t, at);
  std::vector<Value> rows;
  for (int i = 0; i < lanes_; ++i) {
    const Value row = min(b_.constant(int64_t{i}), vector_count - 1);
    rows.push_back(b_.load_masked(loop::vector(dtype(t), lanes_), pointers_[t],
                                  start + (at.vector_index + row) * vector_strides_[t],
                                  tile_count));
  }
  return transpose(b_, std::move(rows));
}

}  // namespace dovetail::kernels::rows
