#include "kernels/window/pool.h"

#include "base/error.h"
#include "kernels/window/window_kernel.h"

namespace dovetail::kernels {
namespace {

struct Kind {
  WindowOp op;
  std::string_view name;
};

Kind kind_of(ir::PoolKind kind) {
  switch (kind) {
    case ir::PoolKind::kMax:
      return {WindowOp::kMax, "maxpool"};
    case ir::PoolKind::kSum:
      return {WindowOp::kSum, "sumpool"};
    case ir::PoolKind::kAverage:
      return {WindowOp::kAverage, "avgpool"};
    case ir::PoolKind::kAverageWithPadding:
      return {WindowOp::kAveragePadded, "avgpool_padded"};
  }
  throw_error(ErrorKind::kInternal, "no such pool");
}

}  // namespace

Call pool_call(const Request& request) {
  const auto& pool = *request.node->as<ir::Pool>();
  const Kind kind = kind_of(pool.kind);
  const ir::DType dtype = request.operands[0].dtype;
  const bool average = kind.op == WindowOp::kAverage || kind.op == WindowOp::kAveragePadded;
  if (average && !ir::is_float(dtype)) {
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
  return window_call(request, {.op = kind.op,
                               .window = pool.window,
                               .name = std::string(kind.name) + window_text(pool.window),
                               .types = std::move(types)});
}

}  // namespace dovetail::kernels
