#include "ops/lowering/context.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_set>

#include "base/error.h"
#include "ops/lowering/fold.h"

namespace dovetail::ops {

using ir::Dim;
using ir::DType;
using ir::Shape;
using ir::TensorData;
using ir::Value;

ir::Value* LowerContext::x(size_t i) const {
  if (!has(i)) throw_error(ErrorKind::kValue, "input {} is missing", i);
  return node_.inputs[i];
}

std::string LowerContext::input_text(size_t i) const {
  const std::string& name = x(i)->name;
  return name.empty() ? fmt::format("input {}", i) : fmt::format("input {} ('{}')", i, name);
}

void LowerContext::require_dtype(size_t i, ir::DType dtype) const {
  if (x(i)->dtype() == dtype) return;
  throw_error(ErrorKind::kType, "{} is {}, expected {}", input_text(i), ir::name_of(x(i)->dtype()),
              ir::name_of(dtype));
}

void LowerContext::require_same_dtype(size_t i) const {
  if (x(i)->dtype() == x(0)->dtype()) return;
  throw_error(ErrorKind::kType, "{} is {} but {} is {}; both must have one type", input_text(0),
              ir::name_of(x(0)->dtype()), input_text(i), ir::name_of(x(i)->dtype()));
}

const Attribute& LowerContext::attribute(const std::string& name) const {
  const auto found = node_.attributes.find(name);
  if (found != node_.attributes.end()) return found->second;
  for (const AttributeDef& def : def_.attributes) {
    if (def.name == name) return def.otherwise;
  }
  throw_error(ErrorKind::kInternal, "{} has no attribute '{}'", def_.name, name);
}

bool LowerContext::has_attribute(const std::string& name) const {
  return !std::holds_alternative<std::monostate>(attribute(name));
}

template <class T>
const T& LowerContext::get(const std::string& name) const {
  const T* value = std::get_if<T>(&attribute(name));
  DOVETAIL_CHECK(value, "attribute '{}' of {} has no value of the type asked for", name, def_.name);
  return *value;
}
template const int64_t& LowerContext::get(const std::string&) const;
template const double& LowerContext::get(const std::string&) const;
template const std::string& LowerContext::get(const std::string&) const;
template const Ints& LowerContext::get(const std::string&) const;
template const Reals& LowerContext::get(const std::string&) const;
template const Texts& LowerContext::get(const std::string&) const;
template const TensorData& LowerContext::get(const std::string&) const;

void freeze(ir::Graph& graph, const Value* value) {
  std::unordered_set<const Value*> seen;
  std::vector<const Value*> open{value};
  while (!open.empty()) {
    const Value* next = open.back();
    open.pop_back();
    if (!seen.insert(next).second || next->measured) continue;
    if (const auto* param = next->node->as<ir::Param>()) {
      graph.frozen.emplace(param->name, param->data);
    }
    // A value with known elements may be made of parts that are not (extents): those matter too.
    open.insert(open.end(), next->node->operands.begin(), next->node->operands.end());
  }
}

Ints LowerContext::known_ints(size_t i) {
  require_integers(i);
  const Value* value = x(i);
  freeze(value);
  Ints result;
  if (value->elements && !value->measured) {
    for (const Dim& dim : *value->elements) {
      require_fixed(dim, fmt::format("{} holds {}", input_text(i), dim.to_string()));
      result.push_back(dim.value());
    }
    return result;
  }
  const auto data = folded(value);
  if (!data) {
    throw_error(ErrorKind::kUnsupported,
                "{} must be known when the model is compiled, but it is computed from data or has "
                "more than 4096 elements",
                input_text(i));
  }
  for (int64_t k = 0; k < data->element_count(); ++k) result.push_back(data->as_int(k));
  return result;
}

std::optional<TensorData> LowerContext::peek_tensor(size_t i) const { return folded(x(i)); }

TensorData LowerContext::known_tensor(size_t i) {
  if (auto data = peek_tensor(i)) {
    freeze(x(i));
    return *std::move(data);
  }
  throw_error(ErrorKind::kUnsupported,
              "{} must be known when the model is compiled, but it is computed from data",
              input_text(i));
}

double LowerContext::known_scalar(size_t i) {
  if (x(i)->elements && ir::is_int(x(i)->dtype())) {
    const Ints values = known_ints(i);
    if (values.size() == 1) return static_cast<double>(values[0]);
  } else {
    const TensorData data = known_tensor(i);
    if (data.element_count() == 1) return data.as_double(0);
  }
  throw_error(ErrorKind::kValue, "{} has shape {}, expected one element", input_text(i),
              ir::to_string(x(i)->shape()));
}

int LowerContext::axis(int64_t axis, int rank) const {
  if (axis < -rank || axis >= rank) {
    throw_error(ErrorKind::kValue, "axis {} is out of range for rank {} (expected {}..{})", axis,
                rank, -rank, rank - 1);
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

std::vector<int> LowerContext::axes(const Ints& axes, int rank) const {
  std::set<int> result;
  for (const int64_t a : axes) {
    if (!result.insert(axis(a, rank)).second) {
      throw_error(ErrorKind::kValue, "axis {} is given twice", a);
    }
  }
  return {result.begin(), result.end()};
}

void LowerContext::require_rank(size_t i, int min, int max) const {
  const int rank = x(i)->rank();
  if (rank >= min && rank <= max) return;
  const std::string expected = max == INT32_MAX ? fmt::format("at least {}", min)
                               : min == max     ? fmt::format("{}", min)
                                                : fmt::format("{} to {}", min, max);
  throw_error(ErrorKind::kValue, "{} has shape {} of rank {}, expected rank {}", input_text(i),
              ir::to_string(x(i)->shape()), rank, expected);
}

Value* LowerContext::shaped(size_t i, const Shape& shape) {
  const std::string text = fmt::format("{} has shape {}, expected {}", input_text(i),
                                       ir::to_string(x(i)->shape()), ir::to_string(shape));
  if (x(i)->shape().size() != shape.size()) throw_error(ErrorKind::kValue, "{}", text);
  return build.asserted(x(i), shape, text);
}

Value* LowerContext::single(size_t i) {
  const std::string text = fmt::format("{} has shape {}, expected one element", input_text(i),
                                       ir::to_string(x(i)->shape()));
  const Dim count = ir::element_count(x(i)->shape());
  if (count.is_constant() && count != Dim(1)) throw_error(ErrorKind::kValue, "{}", text);
  build.require_equal(count, 1, text);
  return build.reshape(x(i), {});
}

void LowerContext::require_extent(const Dim& extent, int64_t min) {
  const auto symbol = extent.lone_symbol();
  if (!symbol) return;
  ir::Bounds& bounds = graph().symbols[*symbol];
  bounds.min = std::max(bounds.min, min);
}

void LowerContext::require_fixed(const Dim& extent, const std::string& text) const {
  if (extent.is_constant()) return;
  const std::set<std::string> symbols = extent.symbols();
  for (const std::string& name : symbols) {
    if (around_.given.contains(name)) continue;
    throw_error(ErrorKind::kUnsupported,
                "{}, which must be known when the model is compiled, but {} is computed by every "
                "run; make what it is computed from a constant of the model",
                text, name);
  }
  throw_error(ErrorKind::kUnsupported, "{}, which cannot stay symbolic; fix {} by --dim", text,
              fmt::join(symbols, ", "));
}

void LowerContext::settle(const Dim& extent, int64_t value, const std::string& reason) {
  const auto symbol = extent.lone_symbol();
  if (!symbol || !around_.given.contains(*symbol)) return;
  const ir::Bounds bounds = extent.bounds(graph().symbols);
  if (bounds.min <= value && value <= bounds.max) throw SettledDim{*symbol, value, reason};
}

}  // namespace dovetail::ops
