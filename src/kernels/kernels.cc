#include "base/error.h"
#include "kernels/contract.h"
#include "kernels/kernel.h"
#include "kernels/move/compact.h"
#include "kernels/move/gather.h"
#include "kernels/move/interleave.h"
#include "kernels/move/pad.h"
#include "kernels/rows/rows.h"
#include "kernels/window/pool.h"

namespace dovetail::kernels {
namespace {

bool is_rows(const ir::Node& node) {
  const auto* composite = node.as<ir::Composite>();
  return node.as<ir::Elementwise>() || node.as<ir::Reduce>() || node.as<ir::Copy>() ||
         (composite && composite->name == "rows");
}

bool channels_are_contiguous(const Layout& layout) {
  return layout.shape.empty() || layout.shape.back() == ir::Dim(1) ||
         layout.strides.back() == ir::Dim(1);
}

}  // namespace

std::vector<Call> make_calls(const Request& request) {
  const ir::Node& node = *request.node;
  if (std::optional<Call> call = interleave_call(request)) return {*std::move(call)};
  if (is_rows(node)) return {rows_call(request)};
  if (node.as<ir::Contract>()) return contract_calls(request);
  if (node.as<ir::Pool>()) return {pool_call(request)};
  if (node.as<ir::Pad>()) return pad_calls(request);
  if (node.as<ir::Gather>()) return {gather_call(request)};
  if (node.as<ir::Compact>()) return {compact_call(request)};
  throw_error(ErrorKind::kInternal, "no kernel family takes a {}", ir::name_of(node.op));
}

bool accepts(const ir::Node& node, int operand, const Layout& layout) {
  if (node.as<ir::Contract>()) return contract_accepts(node, operand, layout);
  if (node.as<ir::Pool>()) return channels_are_contiguous(layout);
  return true;
}

}  // namespace dovetail::kernels
