#include "ops/lowering/convolution.h"

#include <fmt/format.h>

#include "base/error.h"

namespace dovetail::ops {

using ir::Dim;
using ir::Shape;

Ints kernel_of(LowerContext& c) {
  const Shape& w = c.x(1)->shape();
  Ints kernel;
  for (size_t i = 2; i < w.size(); ++i) {
    c.require_fixed(w[i], fmt::format("{} has shape {}: extent {} of the kernel is {}",
                                      c.input_text(1), ir::to_string(w), i - 2, w[i].to_string()));
    kernel.push_back(w[i].value());
  }
  if (c.has_attribute("kernel_shape") && c.integers("kernel_shape") != kernel) {
    throw_error(ErrorKind::kValue, "kernel_shape is [{}], but the weights have shape {}",
                fmt::join(c.integers("kernel_shape"), ","), ir::to_string(w));
  }
  return kernel;
}

int64_t groups_of(LowerContext& c) {
  const int64_t groups = c.integer("group");
  if (groups < 1 || groups > INT32_MAX) {
    throw_error(ErrorKind::kValue, "group is {}, expected at least 1", groups);
  }
  return groups;
}

ir::Value* with_bias(LowerContext& c, ir::Value* y) {
  if (!c.has(2)) return y;
  c.require_same_dtype(2);
  ir::Value* bias = c.shaped(2, {y->shape()[1]});
  return c.build.binary(ir::ScalarOp::kAdd, y, c.build.per_channel(bias, y->rank()));
}

}  // namespace dovetail::ops
