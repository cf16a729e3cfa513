#include <algorithm>

#include "ir/evaluate_primitives.h"
#include "ir/evaluate_scalar.h"
#include "ir/index_space.h"

namespace dovetail::ir {
namespace {

using Index = std::vector<int64_t>;

// Operands as expressions of positions read them.
class Elements {
 public:
  explicit Elements(const Tensors& x) {
    for (const TensorData& operand : x) {
      values_.push_back(decode(operand));
      shapes_.push_back(operand.shape());
    }
  }

  Scalar load(int operand, const Index& coordinates) const {
    if (values_[operand].empty()) return {};
    int64_t offset = 0;
    for (size_t i = 0; i < coordinates.size(); ++i) {
      const int64_t extent = shapes_[operand][i];
      offset = offset * extent + std::clamp<int64_t>(coordinates[i], 0, extent - 1);
    }
    return values_[operand][offset];
  }

 private:
  std::vector<std::vector<Scalar>> values_;
  std::vector<Index> shapes_;
};

// One expression with its dims; every value is rounded to its type.
class Positional {
 public:
  Positional(const ScalarExpr& expr, const std::vector<Dim>& dims, const Elements& elements)
      : expr_(expr), elements_(elements), values_(expr.nodes.size()) {
    for (const Dim& dim : dims) dims_.push_back(dim.value());
  }

  Scalar at(const Index& index) {
    for (size_t i = 0; i < expr_.nodes.size(); ++i) {
      const ScalarNode& node = expr_.nodes[i];
      values_[i] = round_to(node.dtype, value_of(node, index));
    }
    return values_.back();
  }

 private:
  Scalar value_of(const ScalarNode& node, const Index& index) const {
    Scalar value;
    switch (node.op) {
      case ScalarOp::kIndex:
        value.integer = index[node.index];
        return value;
      case ScalarOp::kDim:
        value.integer = dims_[node.index];
        return value;
      case ScalarOp::kLoad: {
        Index coordinates;
        for (const int argument : node.arguments) coordinates.push_back(values_[argument].integer);
        return elements_.load(node.index, coordinates);
      }
      default: {
        std::vector<Scalar> arguments;
        for (const int argument : node.arguments) arguments.push_back(values_[argument]);
        const DType of = arguments.empty() ? node.dtype : expr_.nodes[node.arguments[0]].dtype;
        return evaluate(node, arguments, of);
      }
    }
  }

  const ScalarExpr& expr_;
  const Elements& elements_;
  std::vector<int64_t> dims_;
  std::vector<Scalar> values_;
};

Scalar combine(ScatterKind kind, DType dtype, Scalar old, Scalar update) {
  if (kind == ScatterKind::kReplace) return update;
  static constexpr ScalarOp kSteps[] = {ScalarOp::kAdd, ScalarOp::kAdd, ScalarOp::kMul,
                                        ScalarOp::kMin, ScalarOp::kMax};
  const ScalarNode step{kSteps[static_cast<int>(kind)], dtype, {}, 0, int64_t{0}};
  const Scalar arguments[] = {old, update};
  return round_to(dtype, evaluate(step, arguments, dtype));
}

}  // namespace

TensorData evaluate_lookup(const Lookup& op, const Tensors& x, const ResultType& type) {
  const Elements elements(x);
  Positional expr(op.expr, op.dims, elements);
  std::vector<Scalar> result;
  for_each_index(type.shape, [&](const Index& index) { result.push_back(expr.at(index)); });
  return encode(type.dtype, type.shape, result);
}

TensorData evaluate_scatter(const Scatter& op, const Tensors& x, const ResultType& type) {
  const Elements elements(x);
  std::vector<Positional> coordinates;
  for (const ScalarExpr& expr : op.coordinates) coordinates.emplace_back(expr, op.dims, elements);
  std::vector<Scalar> result = decode(x[0]);
  const std::vector<Scalar> updates = decode(x[1]);
  size_t next = 0;
  for_each_index(x[1].shape(), [&](const Index& index) {
    const Scalar update = updates[next++];
    int64_t offset = 0;
    bool inside = true;
    for (size_t i = 0; i < coordinates.size(); ++i) {
      const int64_t at = coordinates[i].at(index).integer;
      inside = inside && at >= 0 && at < type.shape[i];
      offset = offset * type.shape[i] + (inside ? at : 0);
    }
    if (inside) result[offset] = combine(op.kind, type.dtype, result[offset], update);
  });
  return encode(type.dtype, type.shape, result);
}

}  // namespace dovetail::ir
