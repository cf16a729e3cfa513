#include "base/error.h"
#include "kernels/contract.h"
#include "kernels/kernel.h"
#include "kernels/lookup/lookup.h"
#include "kernels/move/compact.h"
#include "kernels/move/gather.h"
#include "kernels/move/interleave.h"
#include "kernels/move/pad.h"
#include "kernels/order/cumulate.h"
#include "kernels/order/extreme.h"
#include "kernels/order/nms.h"
#include "kernels/order/top_k.h"
#include "kernels/pool/pool_indices.h"
#include "kernels/rnn/recurrence.h"
#include "kernels/rows/rows.h"
#include "kernels/scatter/scatter.h"
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
  if (node.as<ir::PoolIndices>()) return {pool_indices_call(request)};
  if (node.as<ir::Cumulate>()) return {cumulate_call(request)};
  if (const auto* top_k = node.as<ir::TopK>())
    return {top_k->k == ir::Dim(1) ? extreme_call(request) : top_k_call(request)};
  if (node.as<ir::Nms>()) return nms_calls(request);
  if (node.as<ir::Pad>()) return pad_calls(request);
  if (node.as<ir::Gather>()) return {gather_call(request)};
  if (node.as<ir::Recurrence>()) return {recurrence_call(request)};
  if (node.as<ir::Lookup>()) return {lookup_call(request)};
  if (node.as<ir::Scatter>()) return scatter_calls(request);
  if (node.as<ir::Compact>()) return {compact_call(request)};
  throw_error(ErrorKind::kInternal, "no kernel family takes a {}", ir::name_of(node.op));
}

bool accepts(const ir::Node& node, int operand, const Layout& layout) {
  if (node.as<ir::Contract>()) return contract_accepts(node, operand, layout);
  if (node.as<ir::Pool>() || node.as<ir::PoolIndices>()) return channels_are_contiguous(layout);
  if (node.as<ir::Recurrence>()) return recurrence_accepts(node, operand, layout);
  return true;
}

}  // namespace dovetail::kernels
