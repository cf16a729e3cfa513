// Runs a node through its kernels on this machine, for any strides and every CPU level it has, and
// compares with the evaluator.
#pragma once

#include <string>
#include <vector>

#include "ir/evaluate.h"
#include "ir/graph.h"
#include "ir/target.h"
#include "kernels/kernel.h"

namespace dovetail::kernels {

// The baseline and those above it that this machine can run, lowest first.
std::vector<ir::CpuLevel> host_levels();

struct NodeRun {
  const ir::Node* node = nullptr;
  std::vector<ir::TensorData> operands;
  // In elements, one vector per tensor; compact where the vector is empty or missing. Strides may
  // be 0 (operands) or negative.
  std::vector<std::vector<int64_t>> operand_strides = {};
  std::vector<std::vector<int64_t>> result_strides = {};
  ir::SymbolValues symbols = {};
  bool strict = false;
};

// A graph of inputs, which get these operands, and one node.
struct OneNode {
  ir::Graph graph;
  NodeRun run;

  OneNode(ir::Primitive op, std::vector<ir::TensorData> operands);
  // Over random operands of these shapes.
  OneNode(ir::Primitive op, ir::DType dtype, const std::vector<std::vector<int64_t>>& shapes);
};

inline constexpr ir::DType kEveryDType[] = {
    ir::DType::kF32, ir::DType::kF64, ir::DType::kF16, ir::DType::kBF16, ir::DType::kI8,
    ir::DType::kI16, ir::DType::kI32, ir::DType::kI64, ir::DType::kU8,   ir::DType::kU16,
    ir::DType::kU32, ir::DType::kU64, ir::DType::kBool};

std::vector<ir::TensorData> run_node(const NodeRun& run, const ir::CpuLevel& level);

// Every result is the evaluator's: |got - expected| <= absolute + relative * |expected|, NaN equal
// to NaN, integers exactly; on every level. Each tensor ends at a page that cannot be touched, then
// starts at one; bytes in a result's memory that belong to no element must stay as they were.
struct Tolerance {
  double relative = 0;
  double absolute = 0;
};
void expect_evaluated(const NodeRun& run, Tolerance tolerance = {});

// Names of the functions a node is compiled to.
std::vector<std::string> function_names(const NodeRun& run, const ir::CpuLevel& level);

// Random tensor: floats uniform in low..high, integers whole numbers in it, bool any.
ir::TensorData random_tensor(ir::DType dtype, std::vector<int64_t> shape, double low = -2,
                             double high = 2, uint32_t seed = 1);

// Row-major strides of `shape` after its axes are put into `order` (outermost first) and its last
// one there padded to `row` elements (0: not padded).
std::vector<int64_t> ordered_strides(const std::vector<int64_t>& shape,
                                     const std::vector<int>& order, int64_t row = 0);

}  // namespace dovetail::kernels
