#include "kernels/contract/contraction.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using ir::DType;

// Stride of an axis for reading: 0 where the extent 1 is repeated.
Dim stride_of(const Layout& layout, int axis) {
  return layout.shape[axis] == Dim(1) ? Dim(0) : layout.strides[axis];
}

class Describer {
 public:
  explicit Describer(const Request& request)
      : request_(request), contract_(*request.node->as<ir::Contract>()) {}

  Contraction describe() {
    read_types();
    const int batch = contract_.batch;
    const int spatial = contract_.window.rank();
    for (int i = 0; i < batch; ++i) result_.rows.push_back(plain_axis(i, true));
    if (contract_.groups > 1) result_.rows.push_back(group_axis());
    std::vector<Axis> positions = {plain_axis(batch, false)};
    for (int i = 0; i < spatial; ++i) positions.push_back(window_axis(i));
    result_.pixels = positions.back();
    positions.pop_back();
    result_.rows.insert(result_.rows.end(), positions.begin(), positions.end());
    merge_axes();
    return std::move(result_);
  }

 private:
  void read_types() {
    const Layout& x = request_.operands[0];
    const Layout& w = request_.operands[1];
    result_.dtype = x.dtype;
    const bool half = x.dtype == DType::kF16 || x.dtype == DType::kBF16;
    result_.sum = half ? DType::kF32 : x.dtype;
    for (const Layout& layout : request_.operands) {
      result_.dtypes.push_back(layout.dtype);
      result_.per_column.push_back(layout.shape.back() != Dim(1) &&
                                   layout.strides.back() != Dim(0));
    }
    result_.dtypes.push_back(request_.results[0].dtype);
    result_.panel = contract_.panel;
    const int axis = w.shape.size() - (contract_.panel ? 2 : 2);
    result_.channels = w.shape[axis];
    result_.w_stride = w.strides[axis];
    result_.columns = contract_.panel ? Dim(contract_.columns)
                                      : ir::floordiv(w.shape.back(), Dim(contract_.groups));
    if (contract_.panel) result_.panel_stride = w.strides[contract_.batch];
    if (contract_.epilogue) result_.epilogue = &*contract_.epilogue;
  }

  // A batch axis, or the N axis, which the weights don't have.
  Axis plain_axis(int axis, bool weights) const {
    Axis result{
        .extent = request_.results[0].shape[axis], .strides = {}, .windowed = false, .tap = {}};
    for (size_t t = 0; t < request_.operands.size(); ++t) {
      result.strides.push_back(t == 1 && !weights ? Dim(0) : stride_of(request_.operands[t], axis));
    }
    result.strides.push_back(request_.results[0].strides[axis]);
    return result;
  }

  Axis group_axis() const {
    Axis result{.extent = contract_.groups, .strides = {}, .windowed = false, .tap = {}};
    result.strides = {result_.channels, result_.columns};
    for (size_t t = 2; t < request_.operands.size(); ++t) {
      result.strides.push_back(result_.per_column[t] ? result_.columns : Dim(0));
    }
    result.strides.push_back(result_.columns);
    return result;
  }

  Axis window_axis(int i) const {
    const ir::Window& window = contract_.window;
    const int axis = contract_.batch + 1 + i;
    Axis result = plain_axis(axis, false);
    const Layout& x = request_.operands[0];
    const Layout& w = request_.operands[1];
    result.strides[0] = x.strides[axis] * Dim(window.strides[i]);
    const bool padded = window.pad_lo[i] != Dim(0) || window.pad_hi[i] != Dim(0);
    if (window.kernel[i] == 1 && !padded) return result;
    result.windowed = true;
    result.tap = {window.kernel[i],
                  window.strides[i],
                  window.dilations[i],
                  window.pad_lo[i],
                  x.shape[axis],
                  x.strides[axis],
                  w.strides[contract_.batch + (contract_.panel ? 1 : 0) + i]};
    return result;
  }

  // Whether stepping `outer` equals stepping over all of `inner`, in every tensor.
  static bool adjacent(const Axis& outer, const Axis& inner) {
    if (outer.windowed || inner.windowed) return false;
    for (size_t t = 0; t < outer.strides.size(); ++t) {
      if (outer.strides[t] != inner.strides[t] * inner.extent) return false;
    }
    return true;
  }

  void merge_axes() {
    std::vector<Axis>& rows = result_.rows;
    std::erase_if(rows, [](const Axis& axis) { return !axis.windowed && axis.extent == Dim(1); });
    if (!result_.pixels.windowed && result_.pixels.extent == Dim(1)) use_last_row_as_pixels();
    for (size_t i = rows.size(); i-- > 1;) {
      if (adjacent(rows[i - 1], rows[i])) merge(rows, i);
    }
    // The weights must stay the same along the pixels.
    while (!rows.empty() && rows.back().strides[1] == Dim(0) &&
           adjacent(rows.back(), result_.pixels)) {
      rows.back().strides = result_.pixels.strides;
      rows.back().extent *= result_.pixels.extent;
      result_.pixels = rows.back();
      rows.pop_back();
    }
  }

  static void merge(std::vector<Axis>& rows, size_t inner) {
    rows[inner].extent *= rows[inner - 1].extent;
    rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(inner) - 1);
  }

  void use_last_row_as_pixels() {
    std::vector<Axis>& rows = result_.rows;
    if (rows.empty() || rows.back().windowed || rows.back().strides[1] != Dim(0)) return;
    result_.pixels = rows.back();
    rows.pop_back();
  }

  const Request& request_;
  const ir::Contract& contract_;
  Contraction result_;
};

}  // namespace

Dim Contraction::additions() const {
  Dim result = channels * Dim(pixels.tap.kernel);
  for (const Axis& axis : rows) result *= Dim(axis.tap.kernel);
  return result;
}

Dim Contraction::row_count() const {
  Dim result = 1;
  for (const Axis& axis : rows) result *= axis.extent;
  return result;
}

Contraction describe(const Request& request) { return Describer(request).describe(); }

std::string name_of(const ir::Contract& contract) {
  const ir::Window& window = contract.window;
  std::string name = window.rank() == 0 ? "gemm" : "conv";
  for (int i = 0; i < window.rank(); ++i) {
    name += fmt::format("{}{}", i ? "x" : "", window.kernel[i]);
  }
  if (window.rank() > 0) name += fmt::format("_s{}", window.strides.back());
  if (!contract.epilogue) return name;
  for (const ir::ScalarNode& node : contract.epilogue->nodes) {
    if (ir::arity_of(node.op) == 0) continue;
    if (name.size() > 48) break;
    name += fmt::format("_{}", ir::name_of(node.op));
  }
  return name;
}

}  // namespace dovetail::kernels
