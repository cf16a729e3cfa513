#include "unit/kernels/contract_cases.h"

namespace dovetail::kernels::testing {

using ir::Dim;
using ir::ScalarOp;
using ir::Shape;

ContractCase ContractCase::conv(const ConvCase& c) {
  ir::Contract contract;
  ir::Window& window = contract.window;
  const size_t rank = c.kernel.size();
  window.kernel = c.kernel;
  window.strides = c.strides.empty() ? std::vector<int64_t>(rank, 1) : c.strides;
  window.dilations = c.dilations.empty() ? std::vector<int64_t>(rank, 1) : c.dilations;
  for (size_t i = 0; i < rank; ++i) {
    window.pad_lo.push_back(c.pad_lo.empty() ? 0 : c.pad_lo[i]);
    window.pad_hi.push_back(c.pad_hi.empty() ? window.pad_lo[i] : Dim(c.pad_hi[i]));
  }
  contract.groups = c.groups;
  contract.winograd = c.winograd;
  if (c.packed) {
    contract.panel = c.panel;
    contract.columns = c.columns;
  }
  ContractCase result;
  result.add(std::move(contract), {c.dtype, c.x}, c.columns, c.relu_bias, c.residual, c.tanh);
  return result;
}

ContractCase ContractCase::gemm(Shape x, const Dim& columns, bool packed, ir::DType dtype,
                                bool relu_bias, bool residual) {
  ir::Contract contract;
  contract.batch = static_cast<int>(x.size()) - 2;
  if (packed) {
    contract.panel = ir::panel_width(ir::host_target().family);
    contract.columns = columns.value();
  }
  ContractCase result;
  result.add(std::move(contract), {dtype, std::move(x)}, columns, relu_bias, residual);
  return result;
}

void ContractCase::add(ir::Contract contract, const ir::TensorType& x, const Dim& columns,
                       bool relu_bias, bool residual, bool tanh) {
  Shape w(x.shape.begin(), x.shape.begin() + contract.batch);
  if (contract.panel) w.push_back(ir::ceildiv(columns, contract.panel));
  for (const int64_t extent : contract.window.kernel) {
    w.push_back(contract.winograd ? contract.winograd + 2 : extent);
  }
  w.push_back(ir::floordiv(x.shape.back(), contract.groups));
  w.push_back(contract.panel ? Dim(contract.panel) : columns);
  std::vector<ir::Value*> operands = {graph_->input("x", x), graph_->input("w", {x.dtype, w})};
  if (relu_bias || residual || tanh) {
    const ir::TensorType plain =
        ir::infer(contract, {operands[0]->type, operands[1]->type}).front();
    ir::ExprBuilder e;
    auto sum = e.operand(0, x.dtype);
    int index = 1;
    if (relu_bias) {
      Shape shape(plain.shape.size(), 1);
      shape.back() = columns;
      operands.push_back(graph_->input("bias", {x.dtype, shape}));
      sum = e.binary(ScalarOp::kAdd, sum, e.operand(index++, x.dtype));
    }
    if (residual) {
      operands.push_back(graph_->input("residual", plain));
      sum = e.binary(ScalarOp::kAdd, sum, e.operand(index++, x.dtype));
    }
    if (relu_bias) {
      const auto zero =
          ir::is_float(x.dtype) ? e.constant(0.0, x.dtype) : e.constant(int64_t{0}, x.dtype);
      sum = e.binary(ScalarOp::kMax, sum, zero);
    }
    if (tanh) sum = e.unary(ScalarOp::kTanh, sum);
    contract.epilogue = e.finish(sum);
  }
  node_ = graph_->add(std::move(contract), operands);
}

}  // namespace dovetail::kernels::testing
