// GridSample: x (N, C, D...), grid (N, O..., d) -> (N, C, O...). Along the last axis the grid holds
// coordinates in x, last axis first; -1 to 1 is the whole extent.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "ops/lowering/positions.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;
using ir::Shape;
using Op = ir::ScalarOp;
using Ref = Positions::Ref;
using Refs = std::vector<Ref>;

enum class Border : uint8_t { kZeros, kEdge, kReflection };

Border border_of(const LowerContext& c) {
  const std::string& mode = c.text("padding_mode");
  if (mode == "zeros") return Border::kZeros;
  if (mode == "border") return Border::kEdge;
  if (mode == "reflection") return Border::kReflection;
  throw_error(ErrorKind::kValue, "padding_mode is '{}', expected zeros, border or reflection",
              mode);
}

// Channels are last inside, so that a coordinate is computed once for all of them.
class Sampler {
 public:
  Sampler(LowerContext& c, ir::Value* x, ir::Value* grid, int taps)
      : build_(c.build),
        p_(c.graph(), {c.build.to_channels_last(x), grid}),
        x_(x->shape()),
        grid_(grid->shape()),
        spatial_(x->rank() - 2),
        taps_(taps),
        border_(border_of(c)),
        aligned_(c.flag("align_corners")),
        real_(grid->dtype()) {}

  ir::Value* make(DType dtype) {
    Shape shape(grid_.begin(), grid_.end() - 1);
    shape.push_back(x_[1]);
    at_ = {p_.index(0)};
    inside_ = -1;
    for (int axis = 0; axis < spatial_; ++axis) coordinates_.push_back(coordinate(axis));
    computed_ = taps_ == 1 ? dtype : dtype == DType::kF64 ? DType::kF64 : DType::kF32;
    return build_.to_channels_first(p_.lookup(shape, p_.cast(sum(0), dtype)));
  }

 private:
  Ref real(double value) { return p_.expr().constant(value, real_); }
  Ref extent(int axis) { return p_.cast(p_.dim(x_[axis + 2]), real_); }
  Ref low() { return real(aligned_ ? 0 : -0.5); }
  Ref high(int axis) { return p_.sub(extent(axis), real(aligned_ ? 1 : 0.5)); }

  Ref coordinate(int axis) {
    Refs at = p_.indices(static_cast<int>(grid_.size()) - 1);
    at.push_back(p_.number(spatial_ - 1 - axis));
    const Ref given = p_.load(1, at);
    const Ref one = real(1);
    const Ref two = real(2);
    Ref x = aligned_ ? p_.mul(p_.div(p_.add(given, one), two), p_.sub(extent(axis), one))
                     : p_.div(p_.sub(p_.mul(p_.add(given, one), extent(axis)), one), two);
    if (taps_ == 1) x = p_.op(Op::kRoundEven, x);
    // Cubic taps are kept inside one by one.
    if (border_ == Border::kEdge && taps_ < 4) {
      const Ref last = p_.sub(extent(axis), one);
      const Ref kept = p_.within(x, low(), high(axis));
      return p_.select(kept, x, p_.min(p_.max(x, real(0)), last));
    }
    return border_ == Border::kReflection ? reflected(x, axis) : x;
  }

  // Mirrored at both ends as often as it takes.
  Ref reflected(Ref x, int axis) {
    const Ref range = p_.sub(high(axis), low());
    const auto mirrored = [&](Ref beyond, Ref near_end, Ref far_end, bool upward) {
      const Ref times = p_.op(Op::kTrunc, p_.div(beyond, range));
      const Ref rest = p_.sub(beyond, p_.mul(times, range));
      const Ref half = p_.mul(times, real(0.5));
      const Ref even = p_.op(Op::kEq, half, p_.op(Op::kFloor, half));
      return p_.select(even, upward ? p_.add(near_end, rest) : p_.sub(near_end, rest),
                       upward ? p_.sub(far_end, rest) : p_.add(far_end, rest));
    };
    const Ref below = mirrored(p_.sub(low(), x), low(), high(axis), true);
    const Ref above = mirrored(p_.sub(x, high(axis)), high(axis), low(), false);
    return p_.select(p_.op(Op::kLt, x, low()), below,
                     p_.select(p_.op(Op::kGt, x, high(axis)), above, x));
  }

  // How much the element at `tap` counts; `t` is the distance from the one before the coordinate.
  Ref weight(int tap, Ref t) {
    if (taps_ == 2) return tap ? t : p_.sub(real(1), t);
    constexpr double a = -0.75;
    const Ref d = p_.op(Op::kAbs, p_.sub(t, real(tap - 1)));
    const auto polynomial = [&](double c3, double c2, double c1, double c0) {
      Ref value = p_.add(p_.mul(real(c3), d), real(c2));
      value = p_.add(p_.mul(value, d), real(c1));
      return p_.add(p_.mul(value, d), real(c0));
    };
    return tap == 1 || tap == 2 ? polynomial(a + 2, -(a + 3), 0, 1)
                                : polynomial(a, -5 * a, 8 * a, -4 * a);
  }

  // Over the taps of spatial axes `axis` and behind, at the coordinates chosen so far.
  Ref sum(int axis) {
    if (axis == spatial_) {
      Refs from = at_;
      from.push_back(p_.index(static_cast<int>(grid_.size()) - 1));
      const Ref element = p_.cast(p_.load(0, from), computed_);
      return inside_ < 0 ? element : p_.select(inside_, element, p_.like(element, 0));
    }
    const Ref x = coordinates_[axis];
    const Ref floor = taps_ == 1 ? x : p_.op(Op::kFloor, x);
    const Ref t = p_.sub(x, floor);
    const Ref outer = inside_;
    Ref total = -1;
    at_.push_back({});
    for (int tap = 0; tap < taps_; ++tap) {
      Ref element = p_.add(floor, real(taps_ == 4 ? tap - 1 : tap));
      const Ref last = p_.sub(extent(axis), real(1));
      if (border_ == Border::kZeros) {
        const Ref here = p_.within(element, real(0), last);
        inside_ = outer < 0 ? here : p_.op(Op::kAnd, outer, here);
      } else if (border_ == Border::kReflection) {
        element = reflected(element, axis);
      }
      at_.back() = p_.cast(element, DType::kI64);
      Ref part = sum(axis + 1);
      if (taps_ > 1) part = p_.mul(part, p_.cast(weight(tap, t), computed_));
      total = total < 0 ? part : p_.add(total, part);
    }
    at_.pop_back();
    inside_ = outer;
    return total;
  }

  Builder& build_;
  Positions p_;
  const Shape& x_;
  const Shape& grid_;
  int spatial_;
  int taps_;  // per axis
  Border border_;
  bool aligned_;
  DType real_;
  DType computed_ = DType::kF32;
  Refs coordinates_, at_;
  Ref inside_ = -1;
};

Values lower_grid_sample(LowerContext& c) {
  c.require_rank(0, 3);
  const int rank = c.x(0)->rank();
  c.require_rank(1, rank, rank);
  if (!ir::is_float(c.x(1)->dtype())) {
    throw_error(ErrorKind::kType, "{} is {}, expected floats", c.input_text(1),
                ir::name_of(c.x(1)->dtype()));
  }
  Shape of_x = c.x(0)->shape(), of_grid = c.x(1)->shape();
  of_x[0] = of_grid[0] = common_extent(of_x[0], of_grid[0]);
  of_grid.back() = rank - 2;
  ir::Value* x = c.shaped(0, of_x);
  ir::Value* grid = c.shaped(1, of_grid);
  const std::string& mode = c.text("mode");
  if (mode == "nearest") return {Sampler(c, x, grid, 1).make(x->dtype())};
  if (mode == "linear" || mode == "bilinear") return {Sampler(c, x, grid, 2).make(x->dtype())};
  if (mode == "cubic" || mode == "bicubic") return {Sampler(c, x, grid, 4).make(x->dtype())};
  throw_error(ErrorKind::kValue, "mode is '{}', expected nearest, {}", mode,
              c.opset() >= 20 ? "linear or cubic" : "bilinear or bicubic");
}

OpDef grid_sample_def(int since, int until, const char* mode) {
  return {.name = "GridSample",
          .since = since,
          .until = until,
          .inputs = {2, 2},
          .attributes = {{"mode", AttributeType::kText, mode},
                         {"padding_mode", AttributeType::kText, "zeros"},
                         {"align_corners", AttributeType::kInt, int64_t{0}}},
          .lower = lower_grid_sample};
}

}  // namespace

std::span<const OpDef> grid_sample_ops() {
  static const std::vector<OpDef> ops = {grid_sample_def(16, 19, "bilinear"),
                                         grid_sample_def(20, kMaxOpset, "linear")};
  return ops;
}

}  // namespace dovetail::ops
