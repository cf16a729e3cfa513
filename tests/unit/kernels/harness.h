// Runs kernels on real memory and compares them to the evaluator.
//
// Every tensor ends at a page that may not be touched, so a read or a write behind it stops the
// test; the bytes between a result's elements must stay as they were.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "codegen/codegen.h"
#include "ir/evaluate.h"
#include "ir/graph.h"
#include "kernels/kernel.h"

namespace dovetail::kernels::testing {

// Row-major; rows of each axis but the last end with `gap` elements that belong to nobody.
Layout layout_of(const ir::TensorType& type, int64_t gap = 0);

// Levels of the host's family that this machine runs, baseline first.
std::vector<ir::CpuLevel> host_levels();

// Values in [-1, 1] or small integers; equal seeds give equal tensors.
ir::TensorData random_tensor(ir::DType dtype, const std::vector<int64_t>& shape, uint32_t seed);

// The calls of one node, compiled for this machine. Operands and results lie as in `request`.
class CompiledCalls {
 public:
  explicit CompiledCalls(Request request);
  // The results as compact tensors. Fails the test when bytes outside of a result change.
  std::vector<ir::TensorData> run(const std::vector<ir::TensorData>& operands,
                                  const ir::SymbolValues& symbols = {}) const;
  const std::vector<Call>& calls() const { return calls_; }

 private:
  Request request_;
  std::vector<Call> calls_;
  std::unique_ptr<codegen::HostCode> code_;
};

// max |a - b| / max |b| <= tolerance, NaN and infinities equal; shapes and dtypes equal.
void expect_close(const ir::TensorData& actual, const ir::TensorData& expected, double tolerance);

struct Check {
  std::vector<int64_t> gaps = {};  // of the operands, then the result; missing: 0
  std::vector<ir::CpuLevel> levels = host_levels();
  std::vector<ir::SymbolValues> symbols = {{}};  // each compiled call runs with all of them
  double tolerance = 1e-5;
  bool strict = false;
};

// Compiles `node` at each level and compares it with the evaluator on random operands.
void expect_matches_evaluator(const ir::Node& node, const Check& check = {});

}  // namespace dovetail::kernels::testing
