#include "kernels/rows/axes.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace dovetail::kernels::rows {
namespace {

using ir::Dim;

std::vector<Axis> axes_of(const Request& request, const Body& body) {
  std::vector<const Layout*> tensors;
  for (const Layout& layout : request.operands) tensors.push_back(&layout);
  for (const Layout& layout : request.results) tensors.push_back(&layout);
  std::vector<Axis> axes;
  for (size_t i = 0; i < body.domain.size(); ++i) {
    if (body.domain[i] == Dim(1)) continue;
    Axis axis{body.domain[i], body.reduced[i], {}};
    for (const Layout* tensor : tensors)
      axis.strides.push_back(tensor->shape[i] == Dim(1) ? Dim(0) : tensor->strides[i]);
    axes.push_back(std::move(axis));
  }
  return axes;
}

bool can_merge(const Axis& outer, const Axis& inner) {
  if (outer.reduced != inner.reduced) return false;
  for (size_t t = 0; t < outer.strides.size(); ++t) {
    if (outer.strides[t] != inner.strides[t] * inner.extent) return false;
  }
  return true;
}

void merge(std::vector<Axis>* axes) {
  for (size_t i = axes->size(); i-- > 1;) {
    Axis& outer = (*axes)[i - 1];
    Axis& inner = (*axes)[i];
    if (!can_merge(outer, inner)) continue;
    inner.extent *= outer.extent;
    axes->erase(axes->begin() + static_cast<int64_t>(i) - 1);
  }
}

bool runs_along(const Axis& axis) {
  return std::all_of(axis.strides.begin(), axis.strides.end(),
                     [](const Dim& s) { return s == Dim(0) || s == Dim(1); });
}

// The axes (vector, tile) of a transposition. Reductions have none.
std::optional<std::pair<size_t, size_t>> transposed_axes(const std::vector<Axis>& axes,
                                                         size_t num_operands) {
  const auto fits = [&](const Axis& vector, const Axis& tile) {
    for (size_t t = 0; t < vector.strides.size(); ++t) {
      const bool along = vector.strides[t] == Dim(1);
      if (t >= num_operands ? !along
                            : !along && vector.strides[t] != Dim(0) && tile.strides[t] != Dim(1))
        return false;
    }
    return true;
  };
  for (size_t v = axes.size(); v-- > 0;) {
    for (size_t t = axes.size(); t-- > 0;) {
      if (v != t && fits(axes[v], axes[t])) return std::pair(v, t);
    }
  }
  return std::nullopt;
}

}  // namespace

LoopNest loop_nest(const Request& request, const Body& body) {
  std::vector<Axis> axes = axes_of(request, body);
  merge(&axes);
  LoopNest nest;
  if (axes.empty())
    axes.push_back({Dim(1), false,
                    std::vector<Dim>(request.operands.size() + request.results.size(), Dim(0))});
  // The innermost axis that all tensors run along; else the last one, element by element.
  size_t chosen = axes.size() - 1;
  size_t tile = axes.size();
  for (size_t i = axes.size(); i-- > 0 && !nest.contiguous;) {
    if (!runs_along(axes[i])) continue;
    chosen = i;
    nest.contiguous = true;
  }
  if (!nest.contiguous && body.max_depth == 0) {
    if (const auto pair = transposed_axes(axes, request.operands.size())) {
      std::tie(chosen, tile) = *pair;
      nest.contiguous = true;
      nest.tile = axes[tile];
    }
  }
  nest.vector = axes[chosen];
  for (size_t i = 0; i < axes.size(); ++i) {
    if (i != chosen && i != tile) (axes[i].reduced ? nest.reduced : nest.kept).push_back(axes[i]);
  }
  return nest;
}

}  // namespace dovetail::kernels::rows
