#include "ops/lowering/resample.h"

#include <fmt/format.h>

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
    if (axis_.scale) return p_.number(*axis_.scale);
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
    const Ref step = p_.div(p_.mul(crop_width(), last_in), last_out);
    const Ref start = p_.mul(p_.number(axis_.crop_start), last_in);
    const Ref middle = p_.mul(crop_centre(), last_in);
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
    const Ref ceil = p_.op(Op::kCeil, x);
    const std::string& mode = how_.nearest;
    if (mode == "floor") return floor;
    if (mode == "ceil") return ceil;
    if (mode == "ceil_down") {
      if (const auto known = axis_.known_scale()) return *known < 1 ? ceil : floor;
      return p_.select(p_.op(Op::kLt, scale(), real(1)), ceil, floor);
    }
    if (mode == "round_prefer_floor")
      return p_.select(p_.op(Op::kGt, rest, real(0.5)), next, floor);
    if (mode == "round_prefer_ceil") return p_.select(p_.op(Op::kGe, rest, real(0.5)), next, floor);
    throw_error(ErrorKind::kValue,
                "nearest_mode is '{}', expected round_prefer_floor, round_prefer_ceil, floor or "
                "ceil",
                mode);
  }

 private:
  bool crop_is_known() const { return !axis_.crop_start.at_run && !axis_.crop_end.at_run; }
  Ref crop_width() {
    const Number &start = axis_.crop_start, &end = axis_.crop_end;
    if (crop_is_known()) return real(end.known - start.known);
    return p_.sub(p_.number(end), p_.number(start));
  }
  Ref crop_centre() {
    const Number &start = axis_.crop_start, &end = axis_.crop_end;
    if (crop_is_known()) return real((start.known + end.known) / 2);
    return p_.div(p_.add(p_.number(start), p_.number(end)), real(2));
  }

  Positions& p_;
  const Resampling& how_;
  const ResampledAxis& axis_;
};

// What a result position along one axis is made of: elements first[i], first[i] + 1, ...
struct Tables {
  Dim taps = 1;
  Value* first = nullptr;    // [out]; with `repeat` there is none
  Value* weights = nullptr;  // [taps, out]; none: 1
  Value* inside = nullptr;   // [out], bool; none: everywhere
  int64_t repeat = 0;        // the first element is i / repeat
};

// Nearest elements under a whole scale: each is taken so many times.
int64_t whole_repeat(const Resampling& how, const ResampledAxis& axis) {
  const auto known = axis.known_scale();
  if (how.filter != Filter::kNearest || !known || *known < 1) return 0;
  const auto scale = static_cast<double>(*known);
  if (scale != std::floor(scale) || scale > 1e6) return 0;
  if (axis.out != axis.in * Dim(static_cast<int64_t>(scale))) return 0;
  const bool floors = how.nearest == "floor" || how.nearest == "ceil_down";
  const bool rounds = how.nearest == "round_prefer_floor" || how.nearest == "round_prefer_ceil";
  const bool half = how.coordinates == "half_pixel" || how.coordinates == "half_pixel_symmetric";
  if ((how.coordinates == "asymmetric" && floors) || (half && rounds))
    return static_cast<int64_t>(scale);
  return 0;
}

// The widest reach of the filter, in elements of x to each side: with antialias its radius over a
// scale below 1.
Dim reach(LowerContext& c, const Resampling& how, const ResampledAxis& axis) {
  const int64_t radius = how.filter == Filter::kLinear ? 1 : 2;
  constexpr double kMost = INT32_MAX;  // of a scale by which nothing is left of any extent
  if (!how.antialias) return radius;
  if (axis.scale && axis.scale->at_run) {
    Positions p(c.graph(), {});
    const Ref scale = p.min(p.number(*axis.scale), p.number(Number{1}));
    const Ref width = p.op(Op::kCeil, p.div(p.number(Number{static_cast<double>(radius)}), scale));
    Value* measured = p.lookup({}, p.cast(p.min(width, p.number(Number{kMost})), DType::kI64));
    const std::string name = fmt::format("{}.reach.{}", c.output_name(), axis.axis);
    return c.build.measure(measured, name);
  }
  if (!axis.scale && !(axis.in.is_constant() && axis.out.is_constant())) {
    return ir::max(radius, ir::ceildiv(axis.in * Dim(radius), ir::max(axis.out, 1)));
  }
  const double scale =
      axis.scale ? axis.scale->known
                 : static_cast<double>(axis.out.value()) / static_cast<double>(axis.in.value());
  if (!(scale < 1) || scale <= 0) return radius;
  return static_cast<int64_t>(std::min(std::ceil(static_cast<double>(radius) / scale), kMost));
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
  const Dim before = nearest ? Dim(0) : reach(c, how, axis) - Dim(1);
  // With antialias the filter is widest left of a coordinate that is whole.
  const auto first = [&](Positions& p, AxisMath& math, Ref position) {
    const Ref x = math.coordinate(position);
    if (nearest) return p.cast(math.nearest(x), DType::kI64);
    const Ref base = how.antialias ? p.sub(p.op(Op::kCeil, x), math.real(1)) : p.op(Op::kFloor, x);
    return p.sub(p.cast(base, DType::kI64), p.dim(before));
  };
  {
    Positions p(graph, {});
    AxisMath math(p, how, axis);
    tables.first = p.lookup(out, first(p, math, p.index(0)));
  }
  if (nearest) return tables;
  tables.taps = (before + Dim(1)) * Dim(2);
  Positions p(graph, {});
  AxisMath math(p, how, axis);
  const Ref element = p.add(first(p, math, p.index(1)), p.index(0));
  const Ref distance = p.sub(p.cast(element, DType::kF32), math.coordinate(p.index(1)));
  Ref weight = math.weight(p.mul(distance, math.shrink()));
  if (how.exclude_outside) {
    const Ref last = p.sub(p.dim(axis.in), p.number(1));
    weight = p.select(p.within(element, p.number(0), last), weight, math.real(0));
  }
  tables.weights = p.lookup({tables.taps, axis.out}, weight);
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
    for (int64_t tap = 0; tap < table.taps.value(); ++tap) {
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

// Along one axis with many taps, or with a number of them that only a run knows. The products stand
// beside each other along an axis of their own: about as many as the filter is wide for each
// element of x or, where it grows, of the result.
Value* add_up_taps(LowerContext& c, Value* x, const ResampledAxis& axis, const Tables& table,
                   DType computed, double extrapolation) {
  const int at = axis.axis, rank = x->rank();
  Shape shape = x->shape();
  shape[at] = axis.out;
  Shape products = shape;
  products.insert(products.begin() + at, table.taps);
  Positions p(c.graph(), {x, table.first, table.weights});
  const Ref tap = p.index(at), position = p.index(at + 1);
  std::vector<Ref> from;
  for (int i = 0; i < rank; ++i) from.push_back(p.index(i < at ? i : i + 1));
  from[at] = p.add(p.load(1, {position}), tap);
  const Ref weight = p.cast(p.load(2, {tap, position}), computed);
  Value* product = p.lookup(products, p.mul(p.cast(p.load(0, from), computed), weight));
  Value* y = c.build.reduce(ir::ReduceKind::kSum, product, {at}, /*keep=*/false);
  if (!table.inside) return y;
  Shape along(rank, Dim(1));
  along[at] = axis.out;
  return c.build.elementwise({c.build.reshape(table.inside, along), y},
                             [&](auto& e, const auto& v) {
                               return e.select(v[0], v[1], e.constant(extrapolation, computed));
                             });
}

}  // namespace

Value* resample(LowerContext& c, Value* x, const Resampling& how,
                const std::vector<ResampledAxis>& axes) {
  if (axes.empty()) return x;
  std::vector<Tables> tables;
  Dim taps = 1;
  for (const ResampledAxis& axis : axes) {
    tables.push_back(tables_of(c, how, axis));
    taps *= tables.back().taps;
  }
  const DType dtype = x->dtype();
  const DType computed = how.filter == Filter::kNearest ? dtype
                         : dtype == DType::kF64         ? DType::kF64
                                                        : DType::kF32;
  constexpr int64_t kMaxTaps = 8;          // of all axes
  constexpr int64_t kMaxTapsOfAxis = 128;  // each is written out
  if (taps.is_constant() && taps.value() <= kMaxTaps)
    return Combination(c, x, axes, tables).make(computed, dtype, how.extrapolation);
  // Wide filters go axis by axis: fewer elements are read in all.
  for (size_t k = 0; k < axes.size(); ++k) {
    const bool last = k + 1 == axes.size();
    const std::vector<ResampledAxis> axis{axes[k]};
    const std::vector<Tables> table{tables[k]};
    const DType given = last ? dtype : computed;
    const bool few = table[0].taps.is_constant() && table[0].taps.value() <= kMaxTapsOfAxis;
    x = few ? Combination(c, x, axis, table).make(computed, given, how.extrapolation)
            : c.build.cast(add_up_taps(c, x, axis[0], table[0], computed, how.extrapolation),
                           given);
  }
  return x;
}

}  // namespace dovetail::ops
