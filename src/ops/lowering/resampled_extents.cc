#include "ops/lowering/resampled_extents.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "ops/lowering/positions.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;
using Op = ir::ScalarOp;
using Ref = Positions::Ref;

Ref is_scale(Positions& p, Ref scale) {
  const double most = std::numeric_limits<float>::max();
  return p.op(Op::kAnd, p.op(Op::kGt, scale, p.like(scale, 0)),
              p.op(Op::kLe, scale, p.like(scale, most)));
}

// in * scale, rounded. 0 where the scale is none, which another check tells of.
ir::Value* extent_at_run(LowerContext& c, const ResampledAxis& axis, Rounding rounding) {
  Positions p(c.graph(), {});
  const Ref scale = p.number(*axis.scale);
  const Ref length = p.mul(p.cast(p.dim(axis.in), DType::kF32), scale);
  // Half away from zero: in double, where adding 0.5 is exact.
  const Ref half = p.add(p.cast(length, DType::kF64), p.expr().constant(0.5, DType::kF64));
  const Ref whole = p.op(Op::kFloor, rounding == Rounding::kNearest ? half : length);
  return p.lookup({Dim(1)}, p.select(is_scale(p, scale), p.cast(whole, DType::kI64), p.number(0)));
}

// How many of the scales are none.
ir::Value* wrong_scales(LowerContext& c, const std::vector<ResampledAxis*>& axes) {
  Positions p(c.graph(), {});
  Ref wrong = p.number(0);
  for (const ResampledAxis* axis : axes) {
    const Ref fits = is_scale(p, p.number(*axis->scale));
    wrong = p.add(wrong, p.select(fits, p.number(0), p.number(1)));
  }
  return p.lookup({Dim(1)}, wrong);
}

}  // namespace

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

void measure_extents(LowerContext& c, std::vector<ResampledAxis>* axes, Rounding rounding,
                     const std::string& text) {
  std::vector<ResampledAxis*> open;
  Values parts;
  for (ResampledAxis& axis : *axes) {
    if (!axis.scale->at_run) continue;
    open.push_back(&axis);
    parts.push_back(extent_at_run(c, axis, rounding));
  }
  if (open.empty()) return;
  parts.push_back(wrong_scales(c, open));
  const auto count = static_cast<int64_t>(open.size());
  std::vector<std::string> symbols = c.build.new_symbols(c.output_name() + ".extent", count);
  symbols.push_back(c.build.new_symbols(c.output_name() + ".wrong_scales", 1).front());
  const std::vector<Dim> measured = c.build.measure(c.build.concat(parts, 0), symbols);
  for (int64_t k = 0; k < count; ++k) open[k]->out = measured[k];
  c.build.require_equal(measured.back(), 0, text);
}

void keep_aspect_ratio(LowerContext& c, std::vector<ResampledAxis>* axes, bool larger) {
  const bool known = std::all_of(axes->begin(), axes->end(), [](const ResampledAxis& axis) {
    return axis.in.is_constant() && axis.out.is_constant();
  });
  constexpr const char* kText = "keep_aspect_ratio_policy needs extents and sizes above 0";
  if (known) {
    float scale = 0;
    for (size_t k = 0; k < axes->size(); ++k) {
      const ResampledAxis& axis = (*axes)[k];
      const float here = static_cast<float>(axis.out.value()) / static_cast<float>(axis.in.value());
      scale = k == 0 ? here : larger ? std::max(scale, here) : std::min(scale, here);
    }
    if (!(scale > 0) || std::isinf(scale)) throw_error(ErrorKind::kValue, "{}", kText);
    for (ResampledAxis& axis : *axes) {
      axis.scale = Number{static_cast<double>(scale)};
      const float extent = scale * static_cast<float>(axis.in.value());
      if (extent >= 0x1p62F)
        throw_error(ErrorKind::kValue, "keep_aspect_ratio_policy makes an extent of {}", extent);
      axis.out = Dim(std::lround(extent));
    }
    return;
  }
  Positions p(c.graph(), {});
  Ref scale = -1;
  for (const ResampledAxis& axis : *axes) {
    const Ref here =
        p.div(p.cast(p.dim(axis.out), DType::kF32), p.cast(p.dim(axis.in), DType::kF32));
    scale = scale < 0 ? here : p.op(larger ? Op::kMax : Op::kMin, scale, here);
  }
  ir::Value* common = p.lookup({}, scale);
  for (ResampledAxis& axis : *axes) axis.scale = Number{.at_run = common};
  measure_extents(c, axes, Rounding::kNearest, kText);
}

}  // namespace dovetail::ops
