// Contract nodes for tests.
#pragma once

#include <memory>
#include <optional>

#include "unit/kernels/harness.h"

namespace dovetail::kernels::testing {

struct ConvCase {
  ir::Shape x;  // (N, S..., C)
  int64_t columns = 8;
  std::vector<int64_t> kernel = {3, 3};
  std::vector<int64_t> strides = {}, dilations = {};  // missing: 1
  std::vector<int64_t> pad_lo = {}, pad_hi = {};      // missing: 0, pad_lo
  int64_t groups = 1;
  bool packed = true;
  int panel = ir::panel_width(ir::host_target().family);  // of packed weights
  int winograd = 0;
  bool relu_bias = false;  // epilogue max(sum + bias, 0)
  bool residual = false;   // epilogue sum + r
  bool tanh = false;       // of all that
  ir::DType dtype = ir::DType::kF32;
};

class ContractCase {
 public:
  static ContractCase conv(const ConvCase& c);
  // x (B..., N, C) times w (B..., C, M)
  static ContractCase gemm(ir::Shape x, const ir::Dim& columns, bool packed,
                           ir::DType dtype = ir::DType::kF32, bool relu_bias = false,
                           bool residual = false);
  const ir::Node& node() const { return *node_; }

 private:
  void add(ir::Contract contract, const ir::TensorType& x, const ir::Dim& columns, bool relu_bias,
           bool residual, bool tanh = false);
  std::unique_ptr<ir::Graph> graph_ = std::make_unique<ir::Graph>();
  ir::Node* node_ = nullptr;
};

}  // namespace dovetail::kernels::testing
