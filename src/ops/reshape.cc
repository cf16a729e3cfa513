// Operators that regroup elements in their order: Reshape, Flatten, Squeeze, Unsqueeze.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "ops/lowering/context.h"
#include "ops/lowering/fold.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::Shape;

// The extent that -1 stands for: elements of `from` / product of `rest`. Equal extents are dropped
// from both first, so that no division by a symbol remains where none is needed.
Dim inferred(LowerContext& c, const Shape& from, const Shape& rest) {
  Shape numerator = from, denominator;
  for (const Dim& extent : rest) {
    const auto equal = std::find(numerator.begin(), numerator.end(), extent);
    if (equal != numerator.end()) {
      numerator.erase(equal);
    } else {
      denominator.push_back(extent);
    }
  }
  const Dim above = ir::element_count(numerator), below = ir::element_count(denominator);
  if (below == Dim(1)) return above;
  if (below == Dim(0) ||
      (above.is_constant() && below.is_constant() && above.value() % below.value())) {
    throw_error(ErrorKind::kValue, "{} of shape {} cannot be reshaped: -1 stands for {} / {}",
                c.input_text(0), ir::to_string(from), above.to_string(), below.to_string());
  }
  return ir::floordiv(above, below);
}

// A shape with numbers that only a run knows, each of which may be 0 (the extent is kept) or -1 (it
// is what remains): they are resolved as tensors and then measured.
Values reshape_at_run(LowerContext& c) {
  using ir::ScalarOp;
  const Shape& from = c.x(0)->shape();
  const int64_t rank = count_of(*c.x(1), c.input_text(1), "extents of the result");
  ir::Value* given = c.build.reshape(c.build.cast(c.x(1), ir::DType::kI64), {Dim(rank)});
  Shape kept;
  for (int64_t i = 0; i < rank; ++i) {
    kept.push_back(c.flag("allowzero")                    ? Dim(0)
                   : static_cast<size_t>(i) < from.size() ? from[i]
                                                          : Dim(-2));
  }
  const auto constant = [](ir::ExprBuilder& e, int64_t value) {
    return e.constant(value, ir::DType::kI64);
  };
  // What -1 stands for counts as 1 in the product.
  ir::Value* known =
      c.build.elementwise({given, c.build.integers(kept)}, [&](ir::ExprBuilder& e, const auto& v) {
        const auto positive = e.binary(ScalarOp::kGt, v[0], constant(e, 0));
        const auto zero = e.binary(ScalarOp::kEq, v[0], constant(e, 0));
        return e.select(positive, v[0], e.select(zero, v[1], constant(e, 1)));
      });
  ir::Value* product = c.build.reduce(ir::ReduceKind::kProduct, known, {0});
  ir::Value* shape = c.build.elementwise(
      {given, known, product, c.build.integer(ir::element_count(from))},
      [&](ir::ExprBuilder& e, const auto& v) {
        const auto free = e.binary(ScalarOp::kEq, v[0], constant(e, -1));
        const auto divisor = e.binary(ScalarOp::kMax, v[2], constant(e, 1));
        const auto wrong = e.binary(ScalarOp::kLt, v[0], constant(e, -1));
        return e.select(free, e.binary(ScalarOp::kDiv, v[3], divisor), e.select(wrong, v[0], v[1]));
      });
  const std::string name = c.x(1)->name.empty() ? c.input_text(1) : c.x(1)->name;
  return {c.build.reshape(c.x(0), c.build.measure(shape, c.build.new_symbols(name, rank)))};
}

Values lower_reshape(LowerContext& c) {
  if (c.x(1)->rank() > 1) {
    throw_error(ErrorKind::kValue, "{} has shape {}, expected one axis", c.input_text(1),
                ir::to_string(c.x(1)->shape()));
  }
  const Shape& from = c.x(0)->shape();
  if (!c.is_known(1)) return reshape_at_run(c);
  const Shape wanted = c.known_dims(1);
  Shape shape;
  std::optional<size_t> free;
  for (size_t i = 0; i < wanted.size(); ++i) {
    Dim extent = wanted[i];
    if (extent == Dim(0) && !c.flag("allowzero")) {
      if (i >= from.size()) {
        throw_error(ErrorKind::kValue, "extent {} is 0 (kept), but {} has shape {}", i,
                    c.input_text(0), ir::to_string(from));
      }
      extent = from[i];
    } else if (extent == Dim(-1)) {
      if (free) throw_error(ErrorKind::kValue, "-1 is given for extents {} and {}", *free, i);
      free = i;
    } else if (extent.is_constant() && extent.value() < 0) {
      throw_error(ErrorKind::kValue, "extent {} is {}", i, extent.value());
    }
    shape.push_back(extent);
  }
  if (free) {
    Shape rest = shape;
    rest.erase(rest.begin() + static_cast<ptrdiff_t>(*free));
    shape[*free] = inferred(c, from, rest);
  }
  const Dim count = ir::element_count(from), result = ir::element_count(shape);
  if (count.is_constant() && result.is_constant() && count != result) {
    throw_error(ErrorKind::kValue, "{} of shape {} has {} elements, which shape {} does not hold",
                c.input_text(0), ir::to_string(from), count.value(), ir::to_string(shape));
  }
  return {c.build.reshape(c.x(0), shape)};
}

Values lower_flatten(LowerContext& c) {
  const Shape& x = c.x(0)->shape();
  const int rank = c.x(0)->rank();
  const int64_t given = c.integer("axis");
  const int axis = given == rank ? rank : c.axis(given, rank);
  const Dim rows = ir::element_count(Shape(x.begin(), x.begin() + axis));
  const Dim columns = ir::element_count(Shape(x.begin() + axis, x.end()));
  return {c.build.reshape(c.x(0), {rows, columns})};
}

std::optional<Ints> given_axes(LowerContext& c) {
  if (c.opset() >= 13) return c.has(1) ? std::optional(c.known_ints(1)) : std::nullopt;
  return c.has_attribute("axes") ? std::optional(c.integers("axes")) : std::nullopt;
}

// Exporters write Squeeze without axes for models that they were shown a batch of 1.
void settle_batch(LowerContext& c) {
  const Shape& x = c.x(0)->shape();
  const auto open = [&](const Dim& extent) { return !extent.is_constant(); };
  if (std::count_if(x.begin(), x.end(), open) > 1) return;
  c.settle(
      x[0], 1,
      fmt::format("without axes, Squeeze removes {} of shape {} only where it is 1, which it is "
                  "taken to be; for larger ones give --dim {}=2..HIGH",
                  x[0].to_string(), ir::to_string(x), x[0].to_string()));
}

Values lower_squeeze(LowerContext& c) {
  const Shape& x = c.x(0)->shape();
  std::vector<int> axes;
  if (const auto given = given_axes(c)) {
    axes = c.axes(*given, c.x(0)->rank());
  } else {
    for (size_t i = 0; i < x.size(); ++i) {
      if (!x[i].is_constant() && !proved_ge(x[i], 2, c.graph().symbols)) {
        if (i == 0) settle_batch(c);
        c.require_fixed(x[i],
                        fmt::format("without axes, whether an extent of shape {} goes depends "
                                    "on its value, and extent {} is {}",
                                    ir::to_string(x), i, x[i].to_string()));
      }
      if (x[i] == Dim(1)) axes.push_back(static_cast<int>(i));
    }
  }
  Shape shape;
  for (int i = 0; i < c.x(0)->rank(); ++i) {
    if (!std::binary_search(axes.begin(), axes.end(), i)) {
      shape.push_back(x[i]);
    } else if (x[i].is_constant() && x[i] != Dim(1)) {
      throw_error(ErrorKind::kValue, "axis {} of {} with shape {} has extent {}, expected 1", i,
                  c.input_text(0), ir::to_string(x), x[i].to_string());
    }
  }
  return {c.build.reshape(c.x(0), shape)};
}

Values lower_unsqueeze(LowerContext& c) {
  const auto given = given_axes(c);
  if (!given) throw_error(ErrorKind::kValue, "attribute 'axes' is required");
  const Shape& x = c.x(0)->shape();
  const int rank = c.x(0)->rank() + static_cast<int>(given->size());
  const std::vector<int> axes = c.axes(*given, rank);
  Shape shape;
  auto next = x.begin();
  for (int i = 0; i < rank; ++i) {
    shape.push_back(std::binary_search(axes.begin(), axes.end(), i) ? Dim(1) : *next++);
  }
  return {c.build.reshape(c.x(0), shape)};
}

}  // namespace

std::span<const OpDef> reshape_ops() {
  constexpr const char* kLimits = "axes must be known when the model is compiled";
  static const std::vector<OpDef> ops = {
      {.name = "Reshape",
       .inputs = {2, 2},
       .attributes = {{"allowzero", AttributeType::kInt, int64_t{0}}},
       .lower = lower_reshape},
      {.name = "Flatten",
       .attributes = {{"axis", AttributeType::kInt, int64_t{1}}},
       .lower = lower_flatten},
      {.name = "Squeeze",
       .until = 12,
       .attributes = {{"axes", AttributeType::kInts}},
       .lower = lower_squeeze},
      {.name = "Squeeze", .since = 13, .inputs = {1, 2}, .lower = lower_squeeze, .limits = kLimits},
      {.name = "Unsqueeze",
       .until = 12,
       .attributes = {{"axes", AttributeType::kInts}},
       .lower = lower_unsqueeze},
      {.name = "Unsqueeze",
       .since = 13,
       .inputs = {2, 2},
       .lower = lower_unsqueeze,
       .limits = kLimits}};
  return ops;
}

}  // namespace dovetail::ops
