// What operators are set by: known numbers as they are; integers that shape code are measured while
// the model runs, others are read there.
#include <algorithm>

#include "base/error.h"
#include "ir/scalar_expr.h"
#include "ops/lowering/context.h"
#include "ops/lowering/fold.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;
using ir::Value;

constexpr int64_t kMaxElements = 4096;
// No position or amount of a tensor is larger; what is given beyond is far outside all the same.
constexpr int64_t kFar = int64_t{1} << 40;

// A cast between the integers that shapes are computed in.
bool is_cast(const Value& value) {
  const auto* elementwise = value.node->as<ir::Elementwise>();
  if (!elementwise || value.node->operands.size() != 1) return false;
  const auto& nodes = elementwise->expr.nodes;
  const auto integral = [](DType t) { return t == DType::kI32 || t == DType::kI64; };
  return nodes.size() == 2 && nodes[0].op == ir::ScalarOp::kOperand &&
         nodes[1].op == ir::ScalarOp::kCast && integral(nodes[0].dtype) && integral(nodes[1].dtype);
}

// The values that a vector is made of, elements in order.
std::vector<Value*> parts_of(Value* value) {
  const ir::Node& node = *value->node;
  if (value->elements || folded(value)) return {value};
  const bool same = node.as<ir::Reshape>() || node.as<ir::Copy>() || is_cast(*value);
  if (same && ir::is_static(node.operands[0]->shape())) return parts_of(node.operands[0]);
  if (!node.as<ir::Concat>() || value->rank() != 1) return {value};
  std::vector<Value*> parts;
  for (Value* operand : node.operands) {
    for (Value* part : parts_of(operand)) parts.push_back(part);
  }
  return parts;
}

class Measurer {
 public:
  Measurer(Builder& build, std::string name, bool signs)
      : build_(build), name_(std::move(name)), signs_(signs) {}

  std::vector<Dim> dims(Value* value) {
    std::vector<Dim> result;
    for (Value* part : parts_of(value)) {
      for (Dim& dim : dims_of_part(part)) result.push_back(std::move(dim));
    }
    return result;
  }

 private:
  std::vector<Dim> dims_of_part(Value* value) {
    if (value->elements) return *value->elements;
    const auto data = folded(value);
    if (!data) return measured(value);
    std::vector<Dim> result;
    for (int64_t k = 0; k < data->element_count(); ++k) result.emplace_back(data->as_int(k));
    return result;
  }

  std::vector<Dim> measured(Value* value) {
    const int64_t count = count_of(*value, name_, "integers that shape the result");
    std::vector<Dim> result;
    if (count == 0) return result;
    Value* x = build_.reshape(build_.cast(value, DType::kI64), {Dim(count)});
    const std::string name = value->name.empty() ? name_ : value->name;
    if (!signs_) {
      result = build_.measure(x, build_.new_symbols(name, count));
    } else {
      result = differences(x, name, count);
    }
    value->elements = result;
    value->measured = true;
    return result;
  }

  // Symbols are never negative: a number with a sign is the difference of two, one of them 0.
  std::vector<Dim> differences(Value* x, const std::string& name, int64_t count) {
    using Op = ir::ScalarOp;
    const auto part = [&](bool negative) {
      return build_.elementwise({x}, [&](ir::ExprBuilder& e, const auto& v) {
        const auto constant = [&](int64_t c) { return e.constant(c, DType::kI64); };
        const auto near =
            e.binary(Op::kMax, e.binary(Op::kMin, v[0], constant(kFar)), constant(-kFar));
        return e.binary(Op::kMax, negative ? e.unary(Op::kNeg, near) : near, constant(0));
      });
    };
    std::vector<std::string> symbols = build_.new_symbols(name, count);
    for (std::string& symbol : build_.new_symbols(name + ".negative", count)) {
      symbols.push_back(std::move(symbol));
    }
    Value* both = build_.concat({part(false), part(true)}, 0);
    const std::vector<Dim> now = build_.measure(both, symbols, {0, kFar});
    std::vector<Dim> result;
    for (int64_t i = 0; i < count; ++i) result.push_back(now[i] - now[i + count]);
    return result;
  }

  Builder& build_;
  std::string name_;
  bool signs_;
};

}  // namespace

int64_t count_of(const Value& value, const std::string& name, const char* what) {
  const Dim count = ir::element_count(value.shape());
  if (count.is_constant() && count.value() <= kMaxElements) return count.value();
  throw_error(ErrorKind::kUnsupported,
              "{} holds {} {}: their number must be known when the model is compiled, and at most "
              "{}",
              name, count.to_string(), what, kMaxElements);
}

std::vector<Dim> integers_of(Builder& build, Value* value, const std::string& name, bool signs) {
  return Measurer(build, name, signs).dims(value);
}

void LowerContext::require_integers(size_t i) const {
  if (ir::is_int(x(i)->dtype())) return;
  throw_error(ErrorKind::kType, "{} is {}, expected integers", input_text(i),
              ir::name_of(x(i)->dtype()));
}

bool LowerContext::is_known(size_t i) const {
  const std::vector<Value*> parts = parts_of(x(i));
  return std::all_of(parts.begin(), parts.end(), [](const Value* part) {
    return (part->elements && !part->measured) || folded(part);
  });
}

std::vector<Dim> LowerContext::dims(size_t i, bool signs) {
  require_integers(i);
  Value* value = x(i);
  std::vector<Dim> result = integers_of(build, value, input_text(i), signs);
  freeze(value);
  return result;
}

std::vector<Dim> LowerContext::known_dims(size_t i) { return dims(i, /*signs=*/true); }

void LowerContext::require_not_negative(const Dim& dim, size_t i) const {
  if (!dim.is_constant() || dim.value() >= 0) return;
  throw_error(ErrorKind::kValue, "{} holds {}", input_text(i), dim.value());
}

std::vector<Dim> LowerContext::extents(size_t i) {
  std::vector<Dim> result = dims(i, /*signs=*/false);
  for (const Dim& dim : result) require_not_negative(dim, i);
  return result;
}

Dim LowerContext::dim(size_t i, bool signs) {
  require_integers(i);
  const std::string& name = x(i)->name;
  freeze(x(i));
  return integers_of(build, single(i), name.empty() ? input_text(i) : name, signs).front();
}

Dim LowerContext::known_dim(size_t i) { return dim(i, /*signs=*/true); }

Dim LowerContext::extent(size_t i) {
  const Dim result = dim(i, /*signs=*/false);
  require_not_negative(result, i);
  return result;
}

std::vector<Number> LowerContext::numbers(size_t i) {
  std::vector<Number> result;
  for (Value* part : parts_of(x(i))) {
    if (const auto data = folded(part)) {
      freeze(part);
      for (int64_t k = 0; k < data->element_count(); ++k) result.push_back({data->as_double(k)});
      continue;
    }
    const int64_t count = count_of(*part, input_text(i), "numbers");
    Value* flat = build.reshape(build.cast(part, DType::kF32), {Dim(count)});
    for (int64_t k = 0; k < count; ++k) {
      result.push_back({.at_run = build.reshape(build.slice(flat, 0, k, 1), {})});
    }
  }
  return result;
}

// ---- Builder

std::vector<std::string> Builder::new_symbols(const std::string& name, int64_t count) {
  std::string base = name;
  const auto symbol = [&](int64_t k) { return count == 1 ? base : fmt::format("{}.{}", base, k); };
  const auto taken = [&] {
    for (int64_t k = 0; k < count; ++k) {
      if (graph_.symbols.contains(symbol(k))) return true;
    }
    return false;
  };
  while (taken()) base += "'";
  std::vector<std::string> symbols;
  for (int64_t k = 0; k < count; ++k) symbols.push_back(symbol(k));
  return symbols;
}

std::vector<Dim> Builder::measure(Value* x, const std::vector<std::string>& symbols,
                                  ir::Bounds bounds) {
  std::vector<Dim> elements;
  for (const std::string& name : symbols) {
    graph_.symbols[name] = bounds;
    elements.push_back(Dim::symbol(name));
  }
  graph_.value(ir::Measure{symbols}, {x});
  return elements;
}

Dim Builder::measure(Value* x, const std::string& name) {
  return measure(x, new_symbols(name, 1)).front();
}

Value* Builder::positions_of_true(Value* x, const std::string& name) {
  Value* flat = reshape(x, {ir::element_count(x->shape())});
  Value* ones = cast(flat, DType::kI64);
  Value* number = reduce(ir::ReduceKind::kSum, ones, {0});
  const bool known = number->elements && number->elements->front().is_constant();
  const Dim count = known ? number->elements->front() : measure(number, name);
  return graph_.value(ir::Compact{count}, {flat});
}

Value* Builder::count_up(const Dim& count) {
  if (count.is_constant() && count.value() <= kMaxElements) {
    std::vector<int64_t> numbers(static_cast<size_t>(count.value()));
    for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int64_t>(i);
    return graph_.constant_ints(numbers);
  }
  ir::ExprBuilder expr;
  return graph_.value(ir::Lookup{expr.finish(expr.index(0)), {count}, {}}, {});
}

}  // namespace dovetail::ops
