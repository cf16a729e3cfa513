#include "kernels/contract.h"

#include "base/error.h"
#include "kernels/contract/contract_code.h"
#include "kernels/window/depthwise.h"
#include "kernels/winograd/winograd.h"

namespace dovetail::kernels {

using ir::Dim;

std::vector<Call> contract_calls(const Request& request) {
  const Layout& x = request.operands.at(0);
  if (x.dtype == ir::DType::kBool) {
    throw_error(ErrorKind::kUnsupported,
                "a contraction of bool tensors has no meaning here; cast them to a number first");
  }
  const Layout& y = request.results.at(0);
  DOVETAIL_CHECK(y.strides.back() == Dim(1) || y.shape.back() == Dim(1),
                 "the result of a contraction needs stride 1 along its channels, not {}",
                 y.strides.back().to_string());
  if (request.node->as<ir::Contract>()->winograd) return {winograd_call(request)};
  if (is_depthwise(request)) return {depthwise_call(request)};
  return {contraction_call(request)};
}

bool contract_accepts(const ir::Node& node, int operand, const Layout& layout) {
  const auto& contract = *node.as<ir::Contract>();
  const bool contiguous = layout.shape.back() == Dim(1) || layout.strides.back() == Dim(1);
  if (operand >= 2) return contiguous || layout.strides.back() == Dim(0);
  if (operand == 0 || contract.panel == 0) return contiguous;
  const std::vector<Dim> compact = ir::compact_strides(layout.shape);
  for (size_t i = 0; i < compact.size(); ++i) {
    if (layout.shape[i] != Dim(1) && layout.strides[i] != compact[i]) return false;
  }
  return true;
}

}  // namespace dovetail::kernels
