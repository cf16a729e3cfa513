// The evaluator's primitives on concrete operands. Attributes are constants and operands fit: the
// caller has inferred `type`, the (first) result's dtype and static shape, from them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace dovetail::ir {

struct ResultType {
  DType dtype;
  std::vector<int64_t> shape;
};
using Tensors = std::vector<TensorData>;
using SymbolValues = std::map<std::string, int64_t>;

// evaluate_arithmetic.cc
TensorData evaluate_elementwise(const Elementwise& op, const Tensors& x, const ResultType& type);
TensorData evaluate_reduce(const Reduce& op, const TensorData& x, const ResultType& type);
TensorData evaluate_cumulate(const Cumulate& op, const TensorData& x, const ResultType& type);

// evaluate_ordered.cc: all results
Tensors evaluate_top_k(const TopK& op, const TensorData& x, const ResultType& type);
Tensors evaluate_nms(const Nms& op, const Tensors& x, const ResultType& type);

// evaluate_windowed.cc
TensorData evaluate_contract(const Contract& op, const Tensors& x, const ResultType& type);
TensorData evaluate_pool(const Pool& op, const TensorData& x, const ResultType& type);
TensorData evaluate_pool_indices(const PoolIndices& op, const TensorData& x,
                                 const ResultType& type);

// evaluate_movement.cc: elements keep their bytes
TensorData evaluate_permute(const Permute& op, const TensorData& x, const ResultType& type);
TensorData evaluate_broadcast(const TensorData& x, const ResultType& type);
TensorData evaluate_slice(const Slice& op, const TensorData& x, const ResultType& type);
TensorData evaluate_reshape(const TensorData& x, const ResultType& type);
TensorData evaluate_concat(const Concat& op, const Tensors& x, const ResultType& type);
TensorData evaluate_pad(const Pad& op, const TensorData& x, const ResultType& type);
TensorData evaluate_compact(const TensorData& x, const ResultType& type);

// evaluate_regions.cc
using RunGraph = std::function<Tensors(const Graph&, const Tensors&, SymbolValues)>;
Tensors evaluate_if(const If& op, const Tensors& x, const SymbolValues& symbols,
                    const RunGraph& run);
Tensors evaluate_loop(const Loop& op, const Tensors& x, const SymbolValues& symbols,
                      const RunGraph& run);

// kValue when an index is out of range.
TensorData evaluate_gather(const Gather& op, const Tensors& x, const ResultType& type);

// evaluate_recurrence.cc: one tensor for each result
Tensors evaluate_recurrence(const Recurrence& op, const Tensors& x);

// evaluate_lookup.cc: expressions of positions
TensorData evaluate_lookup(const Lookup& op, const Tensors& x, const ResultType& type);
TensorData evaluate_scatter(const Scatter& op, const Tensors& x, const ResultType& type);

}  // namespace dovetail::ir
