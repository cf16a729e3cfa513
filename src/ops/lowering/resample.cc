#include "ops/lowering/resample.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "ops/lowering/positions.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;
using ir::Shape;
using ir::Value;
using Op = ir::ScalarOp;
using Ref = Positions::Ref;

// ---- One axis --------------------------------------------------------------------------------

// Expressions of the position along one axis, in float32 as onnxruntime computes them.
class AxisMath {
 public:
  AxisMath(Positions& p, const Resampling& how, const ResampledAxis& axis)
      : p_(p), how_(how), axis_(axis) {}

  Ref real(double value) { return p_.expr().constant(value, DType::kF32); }
  Ref extent(const Dim& dim) { return p_.cast(p_.dim(dim), DType::kF32); }
  Ref scale() {
    if (axis_.scale) return real(static_cast<double>(*axis_.scale));
    return p_.div(extent(axis_.out), extent(axis_.in));
  }

  // The result's extent before it was rounded down: ONNX's tests align the corners of that one,
  // onnxruntime those of the rounded one.
  Ref resized_length() {
    return axis_.scale ? p_.mul(scale(), extent(axis_.in)) : extent(axis_.out);
  }

  // The coordinate in x of a position of the result.
  Ref coordinate(Ref position) {
    const Ref at = p_.cast(position, DType::kF32);
    const Ref half = real(0.5);
    const Ref last_in = p_.sub(extent(axis_.in), real(1));
    const Ref length = resized_length();
    const Ref last_out = p_.sub(length, real(1));
    const Ref one_left = p_.op(Op::kEq, length, real(1));
    const Ref centred = p_.div(p_.add(at, half), scale());
    const std::string& mode = how_.coordinates;
    if (mode == "asymmetric") return p_.div(at, scale());
    if (mode == "half_pixel") return p_.sub(centred, half);
    if (mode == "pytorch_half_pixel") return p_.select(one_left, real(0), p_.sub(centred, half));
    if (mode == "tf_half_pixel_for_nn") return centred;
    if (mode == "align_corners")
      return p_.select(one_left, real(0), p_.div(p_.mul(at, last_in), last_out));
    if (mode == "half_pixel_symmetric") {
      // Positions beside the centre of x stay beside it when the extent was rounded.
      const Ref centre = p_.div(extent(axis_.in), real(2));
      const Ref offset = p_.mul(centre, p_.sub(real(1), p_.div(extent(axis_.out), length)));
      return p_.add(offset, p_.sub(centred, half));
    }
    if (mode != "tf_crop_and_resize") {
      throw_error(ErrorKind::kValue,
                  "coordinate_transformation_mode is '{}', expected half_pixel, "
                  "half_pixel_symmetric, pytorch_half_pixel, align_corners, asymmetric, "
                  "tf_half_pixel_for_nn or tf_crop_and_resize",
                  mode);
    }
    const double width = axis_.crop_end - axis_.crop_start;
    const Ref step = p_.div(p_.mul(real(width), last_in), last_out);
    const Ref start = p_.mul(real(axis_.crop_start), last_in);
    const Ref middle = p_.mul(real((axis_.crop_start + axis_.crop_end) / 2), last_in);
    return p_.select(one_left, middle, p_.add(start, p_.mul(at, step)));
  }

  // How often positions of x come under a filter that must not skip any.
  Ref shrink() { return how_.antialias ? p_.min(scale(), real(1)) : real(1); }

  Ref weight(Ref distance) {
    const Ref d = p_.op(Op::kAbs, distance);
    if (how_.filter == Filter::kLinear) return p_.max(p_.sub(real(1), d), real(0));
    const double a = how_.cubic_coefficient;
    const auto polynomial = [&](double c3, double c2, double c1, double c0) {
      Ref sum = p_.add(p_.mul(real(c3), d), real(c2));
      sum = p_.add(p_.mul(sum, d), real(c1));
      return p_.add(p_.mul(sum, d), real(c0));
    };
    const Ref near = polynomial(a + 2, -(a + 3), 0, 1);
    const Ref far = polynomial(a, -5 * a, 8 * a, -4 * a);
    return p_.select(p_.op(Op::kLe, d, real(1)), near,
                     p_.select(p_.op(Op::kLt, d, real(2)), far, real(0)));
  }

  // The element that stands for a coordinate alone.
  Ref nearest(Ref x) {
    const Ref floor = p_.op(Op::kFloor, x);
    const Ref rest = p_.sub(x, floor);
    const Ref next = p_.add(floor, real(1));
    std::string mode = how_.nearest;
    if (mode == "ceil_down") mode = axis_.scale.value_or(1) < 1 ? "ceil" : "floor";
    if (mode == "floor") return floor;
    if (mode == "ceil") return p_.op(Op::kCeil, x);
    if (mode == "round_prefer_floor")
      return p_.select(p_.op(Op::kGt, rest, real(0.5)), next, floor);
    if (mode == "round_prefer_ceil") return p_.select(p_.op(Op::kGe, rest, real(0.5)), next, floor);
    throw_error(ErrorKind::kValue,
                "nearest_mode is '{}', expected round_prefer_floor, round_prefer_ceil, floor or "
                "ceil",
                mode);
  }

 private:
  Positions& p_;
  const Resampling& how_;
  const ResampledAxis& axis_;
};

// What a result position along one axis is made of: elements first[i], first[i] + 1, ...
struct Tables {
  int64_t taps = 1;
  Value* first = nullptr;    // [out]; with `repeat` there is none
  Value* weights = nullptr;  // [taps, out]; none: 1
  Value* inside = nullptr;   // [out], bool; none: everywhere
  int64_t repeat = 0;        // the first element is i / repeat
};

// Nearest elements under a whole scale: each is taken so many times.
int64_t whole_repeat(const Resampling& how, const ResampledAxis& axis) {
  if (how.filter != Filter::kNearest || !axis.scale || *axis.scale < 1) return 0;
  const double scale = static_cast<double>(*axis.scale);
  if (scale != std::floor(scale) || scale > 1e6) return 0;
  if (axis.out != axis.in * Dim(static_cast<int64_t>(scale))) return 0;
  const bool floors = how.nearest == "floor" || how.nearest == "ceil_down";
  const bool rounds = how.nearest == "round_prefer_floor" || how.nearest == "round_prefer_ceil";
  const bool half = how.coordinates == "half_pixel" || how.coordinates == "half_pixel_symmetric";
  if ((how.coordinates == "asymmetric" && floors) || (half && rounds))
    return static_cast<int64_t>(scale);
  return 0;
}

// The widest reach of the filter, in elements of x to each side.
int64_t reach(const LowerContext& c, const Resampling& how, const ResampledAxis& axis) {
  const int64_t radius = how.filter == Filter::kLinear ? 1 : 2;
  if (!how.antialias) return radius;
  double scale = 0;
  if (axis.scale) {
    scale = static_cast<double>(*axis.scale);
  } else {
    for (const Dim& extent : {axis.in, axis.out}) {
      c.require_fixed(extent, fmt::format("the scale of antialias from extent {} to {}",
                                          axis.in.to_string(), axis.out.to_string()));
    }
    if (axis.in == Dim(0)) {
      throw_error(ErrorKind::kValue, "antialias from extent 0 to {}: there is nothing to resample",
                  axis.out.value());
    }
    scale = static_cast<double>(axis.out.value()) / static_cast<double>(axis.in.value());
  }
  if (scale >= 1 || scale <= 0) return radius;
  return static_cast<int64_t>(-std::floor(-static_cast<double>(radius) / scale));
}

Tables tables_of(LowerContext& c, const Resampling& how, const ResampledAxis& axis) {
  Tables tables;
  ir::Graph& graph = c.graph();
  const Shape out{axis.out};
  if (how.coordinates == "tf_crop_and_resize") {
    Positions p(graph, {});
    AxisMath math(p, how, axis);
    const Ref last = p.sub(math.extent(axis.in), math.real(1));
    tables.inside = p.lookup(out, p.within(math.coordinate(p.index(0)), math.real(0), last));
  }
  tables.repeat = whole_repeat(how, axis);
  if (tables.repeat > 0) return tables;
  const bool nearest = how.filter == Filter::kNearest;
  const int64_t before = nearest ? 0 : reach(c, how, axis) - 1;
  // With antialias the filter is widest left of a coordinate that is whole.
  const auto first = [&](Positions& p, AxisMath& math, Ref position) {
    const Ref x = math.coordinate(position);
    if (nearest) return p.cast(math.nearest(x), DType::kI64);
    const Ref base = how.antialias ? p.sub(p.op(Op::kCeil, x), math.real(1)) : p.op(Op::kFloor, x);
    return p.sub(p.cast(base, DType::kI64), p.number(before));
  };
  {
    Positions p(graph, {});
    AxisMath math(p, how, axis);
    tables.first = p.lookup(out, first(p, math, p.index(0)));
  }
  if (nearest) return tables;
  tables.taps = 2 * (before + 1);
  Positions p(graph, {});
  AxisMath math(p, how, axis);
  const Ref element = p.add(first(p, math, p.index(1)), p.index(0));
  const Ref distance = p.sub(p.cast(element, DType::kF32), math.coordinate(p.index(1)));
  Ref weight = math.weight(p.mul(distance, math.shrink()));
  if (how.exclude_outside) {
    const Ref last = p.sub(p.dim(axis.in), p.number(1));
    weight = p.select(p.within(element, p.number(0), last), weight, math.real(0));
  }
  tables.weights = p.lookup({Dim(tables.taps), axis.out}, weight);
  if (how.exclude_outside || how.antialias) {
    Value* sum = c.build.reduce(ir::ReduceKind::kSum, tables.weights, {0});
    tables.weights = c.build.binary(Op::kDiv, tables.weights, sum);
  }
  return tables;
}

// ---- Several axes ----------------------------------------------------------------------------

class Combination {
 public:
  Combination(LowerContext& c, Value* x, const std::vector<ResampledAxis>& axes,
              const std::vector<Tables>& tables)
      : p_(c.graph(), {x}), x_(*x), axes_(axes), tables_(tables) {
    for (const Tables& table : tables) {
      first_.push_back(table.first ? p_.add_operand(table.first) : -1);
      weights_.push_back(table.weights ? p_.add_operand(table.weights) : -1);
      inside_.push_back(table.inside ? p_.add_operand(table.inside) : -1);
    }
  }

  // The sum in `computed`, given as `dtype`.
  Value* make(DType computed, DType dtype, double extrapolation) {
    computed_ = computed;
    at_ = p_.indices(x_.rank());
    Ref result = sum(0, -1);
    for (size_t k = 0; k < axes_.size(); ++k) {
      if (inside_[k] < 0) continue;
      const Ref inside = p_.load(inside_[k], {p_.index(axes_[k].axis)});
      result = p_.select(inside, result, p_.like(result, extrapolation));
    }
    Shape shape = x_.shape();
    for (const ResampledAxis& axis : axes_) shape[axis.axis] = axis.out;
    return p_.lookup(shape, p_.cast(result, dtype));
  }

 private:
  // Over the taps of axes k and behind, at the coordinates chosen so far with their `weight` (-1:
  // 1). Weights are multiplied first: they are the same in a whole row where channels are last.
  Ref sum(size_t k, Ref weight) {
    if (k == axes_.size()) {
      const Ref element = p_.cast(p_.load(0, at_), computed_);
      return weight < 0 ? element : p_.mul(element, weight);
    }
    const Ref position = p_.index(axes_[k].axis);
    const Tables& table = tables_[k];
    const Ref first = table.repeat > 0 ? p_.div(position, p_.number(table.repeat))
                                       : p_.load(first_[k], {position});
    Ref total = -1;
    for (int64_t tap = 0; tap < table.taps; ++tap) {
      at_[axes_[k].axis] = tap ? p_.add(first, p_.number(tap)) : first;
      Ref joined = weight;
      if (table.weights) {
        const Ref own = p_.cast(p_.load(weights_[k], {p_.number(tap), position}), computed_);
        joined = weight < 0 ? own : p_.mul(weight, own);
      }
      const Ref part = sum(k + 1, joined);
      total = total < 0 ? part : p_.add(total, part);
    }
    return total;
  }

  Positions p_;
  const Value& x_;
  const std::vector<ResampledAxis>& axes_;
  const std::vector<Tables>& tables_;
  std::vector<int> first_, weights_, inside_;
  std::vector<Ref> at_;
  DType computed_ = DType::kF32;
};

}  // namespace

Value* resample(LowerContext& c, Value* x, const Resampling& how,
                const std::vector<ResampledAxis>& axes) {
  if (axes.empty()) return x;
  std::vector<Tables> tables;
  int64_t taps = 1;
  for (const ResampledAxis& axis : axes) {
    tables.push_back(tables_of(c, how, axis));
    taps *= tables.back().taps;
  }
  const DType dtype = x->dtype();
  const DType computed = how.filter == Filter::kNearest ? dtype
                         : dtype == DType::kF64         ? DType::kF64
                                                        : DType::kF32;
  constexpr int64_t kMaxTaps = 8;
  if (taps <= kMaxTaps)
    return Combination(c, x, axes, tables).make(computed, dtype, how.extrapolation);
  // Wide filters go axis by axis: fewer elements are read in all.
  for (size_t k = 0; k < axes.size(); ++k) {
    const bool last = k + 1 == axes.size();
    const std::vector<ResampledAxis> axis{axes[k]};
    const std::vector<Tables> table{tables[k]};
    x = Combination(c, x, axis, table).make(computed, last ? dtype : computed, how.extrapolation);
  }
  return x;
}

Dim scaled_extent(const Dim& extent, float scale) {
  constexpr int64_t kMaxDenominator = 1000;
  const double wide = static_cast<double>(scale);
  for (int64_t q = 1; q <= kMaxDenominator; ++q) {
    const double numerator = std::round(wide * static_cast<double>(q));
    if (numerator < 1 || numerator > 1e9) continue;
    if (static_cast<float>(numerator / static_cast<double>(q)) != scale) continue;
    return ir::floordiv(extent * Dim(static_cast<int64_t>(numerator)), Dim(q));
  }
  // The float itself is a fraction: 24 bits over a power of two.
  int exponent = 0;
  const double mantissa = std::frexp(wide, &exponent);
  const auto numerator = static_cast<int64_t>(std::ldexp(mantissa, 24));
  const int shift = 24 - exponent;
  if (shift <= 0) return extent * Dim(numerator) * Dim(int64_t{1} << std::min(-shift, 62));
  if (shift > 62) return 0;
  return ir::floordiv(extent * Dim(numerator), Dim(int64_t{1} << shift));
}

}  // namespace dovetail::ops
