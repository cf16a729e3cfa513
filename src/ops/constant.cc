// Constant, ConstantOfShape, Range: values made from nothing.
#include <cmath>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;
using ir::TensorData;

TensorData content(LowerContext& c) {
  if (c.has_attribute("value")) return c.tensor("value");
  if (c.has_attribute("value_int")) {
    return TensorData::of(DType::kI64, {}, std::vector<int64_t>{c.integer("value_int")});
  }
  if (c.has_attribute("value_float")) {
    return TensorData::of(DType::kF32, {},
                          std::vector<float>{static_cast<float>(c.real("value_float"))});
  }
  if (c.has_attribute("value_ints")) {
    const Ints& values = c.integers("value_ints");
    return TensorData::of(DType::kI64, {static_cast<int64_t>(values.size())}, values);
  }
  const Reals& values = c.reals("value_floats");
  return TensorData::of(DType::kF32, {static_cast<int64_t>(values.size())},
                        std::vector<float>(values.begin(), values.end()));
}

// Weights may be written as Constant nodes: floats and large tensors are params by the output's
// name; small integers shape code.
Values lower_constant(LowerContext& c) {
  int given = 0;
  for (const char* name : {"value", "value_int", "value_float", "value_ints", "value_floats"}) {
    given += c.has_attribute(name) ? 1 : 0;
  }
  if (given != 1) {
    throw_error(ErrorKind::kValue,
                "{} of the attributes value, value_int, value_float, value_ints, "
                "value_floats are given, expected one",
                given);
  }
  TensorData data = content(c);
  if (ir::is_float(data.dtype()) || data.element_count() > 64) {
    return {c.graph().param(c.output_name(), std::move(data))};
  }
  return {c.graph().constant(std::move(data))};
}

Values lower_constant_of_shape(LowerContext& c) {
  TensorData value = TensorData::of(DType::kF32, {}, std::vector<float>{0});
  if (c.has_attribute("value")) {
    value = c.tensor("value");
    if (value.element_count() != 1) {
      throw_error(ErrorKind::kValue, "value has {} elements, expected one", value.element_count());
    }
    value = TensorData(value.dtype(), {}, {value.bytes().begin(), value.bytes().end()});
  }
  const ir::Shape shape = c.known_dims(0);
  for (const Dim& extent : shape) {
    if (!extent.is_constant() || extent.value() >= 0) continue;
    throw_error(ErrorKind::kValue, "{} holds {}", c.input_text(0), extent.value());
  }
  return {c.build.broadcast_to(c.graph().constant(std::move(value)), shape)};
}

// start, start + delta, ... before limit
Values lower_range(LowerContext& c) {
  c.require_same_dtype(1);
  c.require_same_dtype(2);
  const DType dtype = c.x(0)->dtype();
  constexpr int64_t kMaxCount = int64_t{1} << 24;
  if (ir::is_float(dtype)) {
    const double start = c.known_scalar(0), limit = c.known_scalar(1), delta = c.known_scalar(2);
    if (delta == 0 || std::isnan(start + limit + delta)) {
      throw_error(ErrorKind::kValue, "Range of {} to {} by {}", start, limit, delta);
    }
    const double count = std::max(0.0, std::ceil((limit - start) / delta));
    if (!(count <= kMaxCount)) {
      throw_error(ErrorKind::kUnsupported, "Range of {} elements; at most {} are supported", count,
                  kMaxCount);
    }
    std::vector<double> values(static_cast<size_t>(count));
    for (size_t i = 0; i < values.size(); ++i) values[i] = start + static_cast<double>(i) * delta;
    const auto size = static_cast<int64_t>(values.size());
    ir::Value* wide = c.graph().constant(TensorData::of(DType::kF64, {size}, values));
    return {c.build.cast(wide, dtype)};
  }
  const Ints delta = c.known_ints(2);
  const std::vector<Dim> start = c.known_dims(0), limit = c.known_dims(1);
  if (delta.size() != 1 || start.size() != 1 || limit.size() != 1) {
    throw_error(ErrorKind::kValue, "start, limit and delta must be scalars");
  }
  const int64_t step = delta[0];
  if (step == 0 || step == INT64_MIN) throw_error(ErrorKind::kValue, "delta is {}", step);
  const Dim span = step > 0 ? limit[0] - start[0] : start[0] - limit[0];
  Dim count = ir::ceildiv(span, step > 0 ? step : -step);
  if (!proved_ge(count, 0, c.graph().symbols)) count = ir::max(count, 0);
  if (!count.is_constant()) {
    throw_error(ErrorKind::kUnsupported,
                "Range of {} elements: their number cannot stay symbolic; fix it by --dim",
                count.to_string());
  }
  if (count.value() > kMaxCount) {
    throw_error(ErrorKind::kUnsupported, "Range of {} elements; at most {} are supported",
                count.value(), kMaxCount);
  }
  std::vector<Dim> values;
  if (start[0].is_constant()) {
    std::vector<int64_t> numbers;
    for (int64_t i = 0; i < count.value(); ++i) numbers.push_back(start[0].value() + i * step);
    return {c.build.cast(c.graph().constant_ints(numbers), dtype)};
  }
  for (int64_t i = 0; i < count.value(); ++i) values.push_back(start[0] + Dim(i * step));
  return {c.build.cast(c.build.integers(values), dtype)};
}

}  // namespace

std::span<const OpDef> constant_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "Constant",
       .inputs = {0, 0},
       .attributes = {{"value", AttributeType::kTensor},
                      {"value_float", AttributeType::kReal},
                      {"value_floats", AttributeType::kReals},
                      {"value_int", AttributeType::kInt},
                      {"value_ints", AttributeType::kInts}},
       .lower = lower_constant,
       .limits = "strings and sparse tensors are refused"},
      {.name = "ConstantOfShape",
       .since = 9,
       .attributes = {{"value", AttributeType::kTensor}},
       .lower = lower_constant_of_shape,
       .limits = "the shape must follow from constants and shapes"},
      {.name = "Range",
       .since = 11,
       .inputs = {3, 3},
       .dtypes = kFloats | bit(DType::kI16) | bit(DType::kI32) | bit(DType::kI64),
       .lower = lower_range,
       .limits = "start, limit and delta must be known when the model is compiled"}};
  return ops;
}

}  // namespace dovetail::ops
