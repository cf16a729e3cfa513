// Checks what every operator needs checked, then calls the operator's own function.
#include <algorithm>
#include <array>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::DType;

// TensorProto.DataType
constexpr std::array<std::pair<int, DType>, 13> kOnnxTypes = {{{1, DType::kF32},
                                                               {2, DType::kU8},
                                                               {3, DType::kI8},
                                                               {4, DType::kU16},
                                                               {5, DType::kI16},
                                                               {6, DType::kI32},
                                                               {7, DType::kI64},
                                                               {9, DType::kBool},
                                                               {10, DType::kF16},
                                                               {11, DType::kF64},
                                                               {12, DType::kU32},
                                                               {13, DType::kU64},
                                                               {16, DType::kBF16}}};

std::string range_text(const Count& count) {
  if (count.min == count.max) return fmt::format("{}", count.min);
  if (count.max == kAnyNumber) return fmt::format("at least {}", count.min);
  return fmt::format("{} to {}", count.min, count.max);
}

void check_counts(const OnnxNode& node, const OpDef& def) {
  const int inputs = static_cast<int>(node.inputs.size());
  if (inputs < def.inputs.min || inputs > def.inputs.max) {
    throw_error(ErrorKind::kValue, "{} inputs given, expected {}", inputs, range_text(def.inputs));
  }
  for (int i = 0; i < def.inputs.min; ++i) {
    if (!node.inputs[i]) throw_error(ErrorKind::kValue, "input {} is required", i);
  }
  const int outputs = static_cast<int>(node.outputs.size());
  if (outputs < 1 || outputs > def.outputs.max) {
    throw_error(ErrorKind::kValue, "{} outputs given, expected {}", outputs,
                range_text(def.outputs));
  }
}

AttributeType type_of(const Attribute& value) {
  return static_cast<AttributeType>(value.index() - 1);
}

void check_attributes(const OnnxNode& node, const OpDef& def) {
  for (const auto& [name, value] : node.attributes) {
    const auto found = std::find_if(def.attributes.begin(), def.attributes.end(),
                                    [&](const AttributeDef& a) { return a.name == name; });
    if (found == def.attributes.end()) {
      std::string known;
      for (const AttributeDef& a : def.attributes) known += (known.empty() ? "" : ", ") + a.name;
      throw_error(ErrorKind::kUnsupported, "attribute '{}' is not one of {} in opset {} ({})", name,
                  def.name, node.opset, known.empty() ? "it has none" : "it has " + known);
    }
    if (type_of(value) != found->type) {
      throw_error(ErrorKind::kType, "attribute '{}' is {}, expected {}", name,
                  name_of(type_of(value)), name_of(found->type));
    }
  }
  for (const AttributeDef& a : def.attributes) {
    if (a.required && !node.attributes.contains(a.name)) {
      throw_error(ErrorKind::kValue, "attribute '{}' is required", a.name);
    }
  }
}

std::string names_of(DTypes dtypes) {
  std::string names;
  for (const auto& row : kOnnxTypes) {
    if (!(dtypes & bit(row.second))) continue;
    names += (names.empty() ? "" : ", ") + std::string(ir::name_of(row.second));
  }
  return names;
}

}  // namespace

std::string_view name_of(AttributeType type) {
  constexpr std::array<std::string_view, 7> kNames = {
      "an integer", "a float", "a string", "integers", "floats", "strings", "a tensor"};
  return kNames[static_cast<size_t>(type)];
}

DType dtype_of_onnx(int64_t onnx) {
  for (const auto& [number, dtype] : kOnnxTypes) {
    if (number == onnx) return dtype;
  }
  constexpr std::array<std::pair<int, const char*>, 14> kOthers = {{{8, "string"},
                                                                    {14, "complex64"},
                                                                    {15, "complex128"},
                                                                    {17, "float8e4m3fn"},
                                                                    {18, "float8e4m3fnuz"},
                                                                    {19, "float8e5m2"},
                                                                    {20, "float8e5m2fnuz"},
                                                                    {21, "uint4"},
                                                                    {22, "int4"},
                                                                    {23, "float4e2m1"},
                                                                    {24, "float8e8m0"},
                                                                    {25, "uint2"},
                                                                    {26, "int2"},
                                                                    {0, "undefined"}}};
  for (const auto& [number, name] : kOthers) {
    if (number == onnx) {
      throw_error(ErrorKind::kUnsupported, "element type {} is not supported; there are {}", name,
                  names_of(kEvery));
    }
  }
  throw_error(ErrorKind::kValue, "element type {} is not one of ONNX", onnx);
}

Values lower(ir::Graph& graph, const OnnxNode& node, const OpDef& def, const Surroundings& around) {
  check_counts(node, def);
  check_attributes(node, def);
  if (!node.inputs.empty() && node.inputs[0] && !(def.dtypes & bit(node.inputs[0]->dtype()))) {
    throw_error(ErrorKind::kType, "input 0 is {}; {} takes {}",
                ir::name_of(node.inputs[0]->dtype()), def.name, names_of(def.dtypes));
  }
  LowerContext context(graph, node, def, around);
  Values results = def.lower(context);
  DOVETAIL_CHECK(results.size() >= node.outputs.size(), "{} made {} values for {} outputs",
                 def.name, results.size(), node.outputs.size());
  results.resize(node.outputs.size());
  return results;
}

}  // namespace dovetail::ops
