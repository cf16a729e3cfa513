#include "ops/lowering/window.h"

#include <algorithm>

#include "base/error.h"

namespace dovetail::ops {

using ir::Dim;

Ints list_or(LowerContext& c, const char* name, size_t length, int64_t otherwise, int64_t min) {
  if (!c.has_attribute(name)) return Ints(length, otherwise);
  const Ints& values = c.integers(name);
  if (values.size() != length) {
    throw_error(ErrorKind::kValue, "{} has {} values, expected {}", name, values.size(), length);
  }
  for (const int64_t value : values) {
    // The upper limit keeps all products of extents far from overflow.
    if (value < min || value > INT32_MAX) {
      throw_error(ErrorKind::kValue, "{} holds {}, expected {} to {}", name, value, min, INT32_MAX);
    }
  }
  return values;
}

namespace {

Dim reach(const ir::Window& window, size_t i) {
  return Dim(window.kernel[i] - 1) * window.dilations[i] + 1;
}

}  // namespace

std::vector<AttributeDef> window_attributes() {
  return {{"kernel_shape", AttributeType::kInts},
          {"strides", AttributeType::kInts},
          {"dilations", AttributeType::kInts},
          {"pads", AttributeType::kInts},
          {"auto_pad", AttributeType::kText, "NOTSET"}};
}

Ints kernel_shape_of(LowerContext& c) {
  c.require_rank(0, 3);
  const ir::Shape& x = c.x(0)->shape();
  const size_t count = c.integers("kernel_shape").size();
  if (count != x.size() - 2) {
    throw_error(ErrorKind::kValue,
                "kernel_shape has {} values, but {} of shape {} has {} spatial axes", count,
                c.input_text(0), ir::to_string(x), x.size() - 2);
  }
  return list_or(c, "kernel_shape", count, 1, 1);
}

WindowOf window_of(LowerContext& c, const Ints& kernel, const ir::Shape& spatial, bool ceil_mode) {
  const size_t rank = spatial.size();
  WindowOf result;
  ir::Window& window = result.window;
  window.kernel = kernel;
  window.strides = list_or(c, "strides", rank, 1, 1);
  window.dilations = list_or(c, "dilations", rank, 1, 1);
  result.ceil_extra.assign(rank, Dim(0));

  const std::string& auto_pad = c.text("auto_pad");
  if (auto_pad == "NOTSET") {
    const Ints pads = list_or(c, "pads", 2 * rank, 0, 0);
    window.pad_lo.assign(pads.begin(), pads.begin() + static_cast<ptrdiff_t>(rank));
    window.pad_hi.assign(pads.begin() + static_cast<ptrdiff_t>(rank), pads.end());
  } else if (auto_pad == "VALID") {
    window.pad_lo.assign(rank, Dim(0));
    window.pad_hi.assign(rank, Dim(0));
  } else if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") {
    // The extent becomes ceil(in / stride); an odd pad gives its extra element to the named end.
    for (size_t i = 0; i < rank; ++i) {
      const Dim out = ir::ceildiv(spatial[i], window.strides[i]);
      const Dim total =
          ir::max((out - Dim(1)) * Dim(window.strides[i]) + reach(window, i) - spatial[i], Dim(0));
      const Dim half = ir::floordiv(total, 2);
      const bool upper = auto_pad == "SAME_UPPER";
      window.pad_lo.push_back(upper ? half : total - half);
      window.pad_hi.push_back(upper ? total - half : half);
    }
  } else {
    throw_error(ErrorKind::kValue,
                "auto_pad is '{}', expected NOTSET, SAME_UPPER, SAME_LOWER or VALID", auto_pad);
  }
  // ceil_mode counts a last, partly covered window unless it would start in the upper padding.
  for (size_t i = 0; ceil_mode && i < rank; ++i) {
    const Dim stride(window.strides[i]);
    const Dim padded = spatial[i] + window.pad_lo[i] + window.pad_hi[i];
    const Dim all = ir::ceildiv(padded - reach(window, i), stride) + Dim(1);
    const Dim out =
        ir::select_ge((all - Dim(1)) * stride, spatial[i] + window.pad_lo[i], all - Dim(1), all);
    result.ceil_extra[i] = ir::max((out - Dim(1)) * stride + reach(window, i) - padded, Dim(0));
  }
  return result;
}

}  // namespace dovetail::ops
