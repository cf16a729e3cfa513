// RoiAlign: x (N, C, H, W), rois (R, 4) as x1, y1, x2, y2, batch indices (R) -> (R, C, oh, ow): the
// mean or maximum of sampling_ratio^2 samples in every part of a region, each interpolated.
#include "base/error.h"
#include "ops/lowering/positions.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;
using Op = ir::ScalarOp;
using Ref = Positions::Ref;

// Channels are last inside, so that a sample's place is computed once for all of them.
class RoiAlign {
 public:
  explicit RoiAlign(LowerContext& c)
      : c_(c),
        regions_(common_extent(c.x(1)->shape()[0], c.x(2)->shape()[0])),
        p_(c.graph(),
           {c.build.to_channels_last(c.x(0)), c.shaped(1, {regions_, 4}), c.shaped(2, {regions_})}),
        real_(c.x(0)->dtype() == DType::kF64 ? DType::kF64 : DType::kF32),
        samples_(c.integer("sampling_ratio")),
        centred_(c.opset() >= 16 && c.text("coordinate_transformation_mode") == "half_pixel"),
        largest_(c.text("mode") == "max") {}

  ir::Value* make() {
    const ir::Shape& x = c_.x(0)->shape();
    const ir::Shape shape{regions_, c_.integer("output_height"), c_.integer("output_width"), x[1]};
    batch_ = p_.cast(p_.load(2, {p_.index(0)}), DType::kI64);
    Ref total = -1;
    for (int64_t row = 0; row < samples_; ++row) {
      const Place y = place(0, row, shape[1]);
      for (int64_t column = 0; column < samples_; ++column) {
        const Ref value = sample(y, place(1, column, shape[2]));
        total = total < 0 ? value : largest_ ? p_.max(total, value) : p_.add(total, value);
      }
    }
    if (!largest_) total = p_.div(total, number(static_cast<double>(samples_ * samples_)));
    return c_.build.to_channels_first(p_.lookup(shape, p_.cast(total, c_.x(0)->dtype())));
  }

 private:
  // Where a sample lies along one axis: between two elements.
  struct Place {
    Ref inside, low, high, rest;
  };

  Ref number(double value) { return p_.expr().constant(value, real_); }

  // `which`: 0 for y, 1 for x.
  Place place(int which, int64_t sample, const Dim& parts) {
    const auto corner = [&](int column) {
      const Ref at = p_.cast(p_.load(1, {p_.index(0), p_.number(column)}), real_);
      return p_.sub(p_.mul(at, number(c_.real("spatial_scale"))), number(centred_ ? 0.5 : 0));
    };
    const Ref start = corner(1 - which);
    Ref length = p_.sub(corner(3 - which), start);
    if (!centred_) length = p_.max(length, number(1));
    const Ref part = p_.div(length, p_.cast(p_.dim(parts), real_));
    const double inner = (static_cast<double>(sample) + 0.5) / static_cast<double>(samples_);
    const Ref index = p_.cast(p_.index(1 + which), real_);
    const Ref at = p_.add(p_.add(start, p_.mul(index, part)), p_.mul(part, number(inner)));
    const Ref extent = p_.cast(p_.dim(c_.x(0)->shape()[2 + which]), real_);
    const Ref kept = p_.min(p_.max(at, number(0)), p_.sub(extent, number(1)));
    const Ref floor = p_.op(Op::kFloor, kept);
    const Ref low = p_.cast(floor, DType::kI64);
    return {p_.within(at, number(-1), extent), low, p_.add(low, p_.number(1)), p_.sub(kept, floor)};
  }

  Ref sample(const Place& y, const Place& x) {
    const auto tap = [&](bool lower, bool right) {
      const Ref element =
          p_.load(0, {batch_, lower ? y.high : y.low, right ? x.high : x.low, p_.index(3)});
      const Ref wy = lower ? y.rest : p_.sub(number(1), y.rest);
      const Ref wx = right ? x.rest : p_.sub(number(1), x.rest);
      return p_.mul(p_.mul(wy, wx), p_.cast(element, real_));
    };
    const auto join = [&](Ref a, Ref b) { return largest_ ? p_.max(a, b) : p_.add(a, b); };
    const Ref value =
        join(join(tap(false, false), tap(false, true)), join(tap(true, false), tap(true, true)));
    return p_.select(p_.op(Op::kAnd, y.inside, x.inside), value, number(0));
  }

  LowerContext& c_;
  Dim regions_;
  Positions p_;
  DType real_;
  int64_t samples_;
  bool centred_, largest_;
  Ref batch_ = -1;
};

Values lower_roi_align(LowerContext& c) {
  c.require_rank(0, 4, 4);
  c.require_rank(1, 2, 2);
  c.require_rank(2, 1, 1);
  c.require_same_dtype(1);
  const std::string& mode = c.text("mode");
  if (mode != "avg" && mode != "max") {
    throw_error(ErrorKind::kValue, "mode is '{}', expected avg or max", mode);
  }
  const int64_t samples = c.integer("sampling_ratio");
  if (samples < 1 || samples > 16) {
    throw_error(
        ErrorKind::kUnsupported,
        "sampling_ratio is {}; supported are 1 to 16 (0 would choose by the regions' sizes)",
        samples);
  }
  return {RoiAlign(c).make()};
}

}  // namespace

std::span<const OpDef> roi_align_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "RoiAlign",
       .since = 10,
       .inputs = {3, 3},
       .dtypes = kFloats,
       .attributes = {{"mode", AttributeType::kText, "avg"},
                      {"output_height", AttributeType::kInt, int64_t{1}},
                      {"output_width", AttributeType::kInt, int64_t{1}},
                      {"sampling_ratio", AttributeType::kInt, int64_t{0}},
                      {"spatial_scale", AttributeType::kReal, 1.0},
                      {"coordinate_transformation_mode", AttributeType::kText, "half_pixel"}},
       .lower = lower_roi_align,
       .limits = "sampling_ratio from 1 to 16"}};
  return ops;
}

}  // namespace dovetail::ops
