#include "kernels/window/depthwise.h"

#include "kernels/window/window_kernel.h"

namespace dovetail::kernels {

using ir::Dim;

bool is_depthwise(const Request& request) {
  const auto& contract = *request.node->as<ir::Contract>();
  const Layout& x = request.operands[0];
  const Layout& w = request.operands[1];
  return contract.batch == 0 && contract.panel == 0 && contract.groups > 1 &&
         contract.window.rank() >= 1 && x.shape.back() == Dim(contract.groups) &&
         w.shape.back() == Dim(contract.groups) && w.strides == ir::compact_strides(w.shape);
}

Call depthwise_call(const Request& request) {
  const auto& contract = *request.node->as<ir::Contract>();
  Contraction types;
  types.dtype = request.operands[0].dtype;
  const bool half = ir::is_float(types.dtype) && ir::size_of(types.dtype) == 2;
  types.sum = half ? ir::DType::kF32 : types.dtype;
  for (const Layout& layout : request.operands) {
    types.dtypes.push_back(layout.dtype);
    types.per_column.push_back(layout.shape.back() != Dim(1) && layout.strides.back() != Dim(0));
  }
  types.dtypes.push_back(request.results[0].dtype);
  if (contract.epilogue) types.epilogue = &*contract.epilogue;
  return window_call(request, {.op = WindowOp::kProducts,
                               .window = contract.window,
                               .name = "depthwise" + window_text(contract.window),
                               .types = std::move(types)});
}

}  // namespace dovetail::kernels
