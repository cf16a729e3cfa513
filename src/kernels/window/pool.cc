#include "kernels/window/pool.h"

#include "base/error.h"
#include "kernels/window/window_kernel.h"

namespace dovetail::kernels {

Call pool_call(const Request& request) {
  static constexpr std::string_view kNames[] = {"maxpool", "avgpool", "avgpool_padded"};
  static constexpr WindowOp kOps[] = {WindowOp::kMax, WindowOp::kAverage, WindowOp::kAveragePadded};
  const auto& pool = *request.node->as<ir::Pool>();
  const ir::DType dtype = request.operands[0].dtype;
  if (pool.kind != ir::PoolKind::kMax && !ir::is_float(dtype)) {
    throw_error(ErrorKind::kUnsupported,
                "an average pool of {} has no kernel; cast to a float type around it",
                ir::name_of(dtype));
  }
  const bool half = ir::is_float(dtype) && ir::size_of(dtype) == 2;
  Contraction types;
  types.dtype = dtype;
  types.sum = half ? ir::DType::kF32 : dtype;
  types.dtypes = {dtype, dtype};
  types.per_column = {true};
  const auto kind = static_cast<int>(pool.kind);
  return window_call(request, {.op = kOps[kind],
                               .window = pool.window,
                               .name = std::string(kNames[kind]) + window_text(pool.window),
                               .types = std::move(types)});
}

}  // namespace dovetail::kernels
