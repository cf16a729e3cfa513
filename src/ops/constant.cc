// Constant and ConstantOfShape: values made from nothing.
#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;
using ir::TensorData;

TensorData content(LowerContext& c) {
  if (c.has_attribute("value")) return c.tensor("value");
  if (c.has_attribute("sparse_value")) return c.tensor("sparse_value");
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
  for (const char* name :
       {"value", "sparse_value", "value_int", "value_float", "value_ints", "value_floats"}) {
    given += c.has_attribute(name) ? 1 : 0;
  }
  if (given != 1) {
    throw_error(ErrorKind::kValue,
                "{} of the attributes value, sparse_value, value_int, value_float, value_ints, "
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
  const ir::Shape shape = c.extents(0);
  return {c.build.broadcast_to(c.graph().constant(std::move(value)), shape)};
}

}  // namespace

std::span<const OpDef> constant_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "Constant",
       .inputs = {0, 0},
       .attributes = {{"value", AttributeType::kTensor},
                      {"sparse_value", AttributeType::kTensor},
                      {"value_float", AttributeType::kReal},
                      {"value_floats", AttributeType::kReals},
                      {"value_int", AttributeType::kInt},
                      {"value_ints", AttributeType::kInts}},
       .lower = lower_constant,
       .limits = "strings are refused; sparse tensors take at most 256 MiB with their zeros"},
      {.name = "ConstantOfShape",
       .since = 9,
       .attributes = {{"value", AttributeType::kTensor}},
       .lower = lower_constant_of_shape}};
  return ops;
}

}  // namespace dovetail::ops
