// CenterCropPad: x brought to other extents, what goes or is added (zeros) shared by both ends.
#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::Dim;

Values lower_center_crop_pad(LowerContext& c) {
  ir::Value* x = c.x(0);
  const int rank = x->rank();
  std::vector<int> axes;
  if (c.has_attribute("axes")) {
    c.axes(c.integers("axes"), rank);  // each once
    for (const int64_t axis : c.integers("axes")) axes.push_back(c.axis(axis, rank));
  } else {
    for (int i = 0; i < rank; ++i) axes.push_back(i);
  }
  const std::vector<Dim> extents = c.extents(1);
  if (extents.size() != axes.size()) {
    throw_error(ErrorKind::kValue, "{} has {} values for {} axes", c.input_text(1), extents.size(),
                axes.size());
  }
  ir::Pad pad{std::vector<Dim>(rank, Dim(0)), std::vector<Dim>(rank, Dim(0)), 0};
  bool pads = false;
  for (size_t k = 0; k < axes.size(); ++k) {
    const Dim now = x->shape()[axes[k]];
    const Dim kept = ir::min(now, extents[k]);
    x = c.build.slice(x, axes[k], ir::floordiv(now - kept, 2), kept);
    const Dim missing = extents[k] - kept;
    pad.lo[axes[k]] = ir::floordiv(missing, 2);
    pad.hi[axes[k]] = missing - pad.lo[axes[k]];
    pads = pads || missing != Dim(0);
  }
  return {pads ? c.graph().value(std::move(pad), {x}) : x};
}

}  // namespace

std::span<const OpDef> center_crop_pad_ops() {
  static const std::vector<OpDef> ops = {{.name = "CenterCropPad",
                                          .since = 18,
                                          .inputs = {2, 2},
                                          .attributes = {{"axes", AttributeType::kInts}},
                                          .lower = lower_center_crop_pad}};
  return ops;
}

}  // namespace dovetail::ops
