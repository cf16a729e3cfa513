#include <algorithm>
#include <functional>

#include "ir/evaluate.h"

namespace dovetail::ir {
namespace {

constexpr int64_t kMaxElements = 4096;

using Elements = std::vector<Dim>;

std::optional<std::vector<int64_t>> static_shape(const Value& value) {
  std::vector<int64_t> shape;
  int64_t count = 1;
  for (const Dim& extent : value.shape()) {
    if (!extent.is_constant() || extent.value() > kMaxElements) return std::nullopt;
    shape.push_back(extent.value());
    count *= extent.value();
    if (count > kMaxElements) return std::nullopt;
  }
  return shape;
}

// A comparison with zero: 0 or 1 as far as the difference's bounds tell, else an expression, if one
// is wanted.
std::optional<Dim> compared(ScalarOp op, const Dim& difference, bool single) {
  const Bounds bounds = difference.bounds({});
  const Dim at_least = select_ge(difference, 0, 1, 0), at_most = select_ge(0, difference, 1, 0);
  const auto decided = [&](bool always, bool never, const Dim& expression) {
    if (always || never) return std::optional<Dim>(always ? 1 : 0);
    return single ? std::optional(expression) : std::nullopt;
  };
  const bool zero = bounds.min == 0 && bounds.max == 0;
  const bool not_zero = bounds.min > 0 || bounds.max < 0;
  switch (op) {
    case ScalarOp::kEq:
      return decided(zero, not_zero, at_least * at_most);
    case ScalarOp::kNe:
      return decided(not_zero, zero, Dim(1) - at_least * at_most);
    case ScalarOp::kLt:
      return decided(bounds.max < 0, bounds.min >= 0, Dim(1) - at_least);
    case ScalarOp::kLe:
      return decided(bounds.max <= 0, bounds.min > 0, at_most);
    case ScalarOp::kGt:
      return decided(bounds.min > 0, bounds.max <= 0, Dim(1) - at_most);
    default:
      return decided(bounds.min >= 0, bounds.max < 0, at_least);
  }
}

// What an expression reads: operands of elementwise nodes, or a position and loads.
struct Sources {
  std::vector<Dim> operands = {};
  std::vector<int64_t> index = {};
  std::vector<Dim> dims = {};
  std::function<Dim(int operand, const std::vector<int64_t>& coordinates)> load = {};
  bool single = false;  // the result has one element: conditions may stay expressions
};

std::optional<Dim> loaded(const ScalarNode& node, const std::vector<Dim>& values,
                          const Sources& from) {
  std::vector<int64_t> coordinates;
  for (const int argument : node.arguments) {
    if (!values[argument].is_constant()) return std::nullopt;
    coordinates.push_back(values[argument].value());
  }
  return from.load(node.index, coordinates);
}

// One scalar expression over known integers; nothing when an operation has no meaning on
// expressions.
std::optional<Dim> value_of(const ScalarExpr& expr, const Sources& from) {
  std::vector<Dim> values;
  for (const ScalarNode& node : expr.nodes) {
    if (is_float(node.dtype)) return std::nullopt;
    const auto argument = [&](int i) -> const Dim& { return values[node.arguments[i]]; };
    std::optional<Dim> value;
    switch (node.op) {
      case ScalarOp::kOperand:
        value = from.operands[node.index];
        break;
      case ScalarOp::kIndex:
        value = Dim(from.index[node.index]);
        break;
      case ScalarOp::kDim:
        value = from.dims[node.index];
        break;
      case ScalarOp::kLoad:
        value = loaded(node, values, from);
        break;
      case ScalarOp::kConstant:
        value = Dim(std::get<int64_t>(node.constant));
        break;
      case ScalarOp::kNeg:
        value = -argument(0);
        break;
      case ScalarOp::kAdd:
        value = argument(0) + argument(1);
        break;
      case ScalarOp::kSub:
        value = argument(0) - argument(1);
        break;
      case ScalarOp::kMul:
        value = argument(0) * argument(1);
        break;
      case ScalarOp::kDiv:
        // Truncation is floor where nothing is negative.
        if (argument(1) != Dim(0) && argument(0).bounds({}).min >= 0 &&
            argument(1).bounds({}).min >= 0)
          value = floordiv(argument(0), argument(1));
        break;
      case ScalarOp::kFloorMod:
        if (argument(1) != Dim(0)) value = mod(argument(0), argument(1));
        break;
      case ScalarOp::kMin:
        value = min(argument(0), argument(1));
        break;
      case ScalarOp::kMax:
        value = max(argument(0), argument(1));
        break;
      case ScalarOp::kEq:
      case ScalarOp::kNe:
      case ScalarOp::kLt:
      case ScalarOp::kLe:
      case ScalarOp::kGt:
      case ScalarOp::kGe:
        value = compared(node.op, argument(0) - argument(1), from.single);
        break;
      case ScalarOp::kNot:
        if (node.dtype == DType::kBool) value = Dim(1) - argument(0);
        break;
      case ScalarOp::kSelect:
        if (argument(0).is_constant()) value = argument(0).value() ? argument(1) : argument(2);
        break;
      case ScalarOp::kCast:
        // Extents fit every integer type that shapes are computed in; bool is exact for constants
        // only.
        if (node.dtype == DType::kI64 || node.dtype == DType::kI32) value = argument(0);
        if (node.dtype == DType::kBool && argument(0).is_constant())
          value = Dim(argument(0).value() ? 1 : 0);
        break;
      default:
        break;
    }
    if (!value) return std::nullopt;
    values.push_back(std::move(*value));
  }
  return values.back();
}

// Calls visit(multi-index) over a shape in row-major order.
template <class Visit>
void for_each_index(const std::vector<int64_t>& shape, Visit visit) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return;
  std::vector<int64_t> index(shape.size(), 0);
  while (true) {
    visit(index);
    size_t axis = shape.size();
    while (axis > 0 && ++index[axis - 1] == shape[axis - 1]) index[--axis] = 0;
    if (axis == 0) return;
  }
}

int64_t flat(const std::vector<int64_t>& index, const std::vector<int64_t>& shape) {
  int64_t position = 0;
  for (size_t i = 0; i < shape.size(); ++i)
    position = position * shape[i] + (shape[i] == 1 ? 0 : index[i]);
  return position;
}

class SymbolicEvaluator {
 public:
  explicit SymbolicEvaluator(const Node& node) : node_(node), result_(*node.result()) {}

  std::optional<Elements> run() {
    const auto shape = static_shape(result_);
    if (!shape || (is_float(result_.dtype()))) return std::nullopt;
    if (const auto* constant = node_.as<Constant>()) {
      Elements elements;
      for (int64_t i = 0; i < constant->data.element_count(); ++i)
        elements.emplace_back(constant->data.as_int(i));
      return elements;
    }
    if (const auto* measure = node_.as<Measure>()) {
      Elements elements;
      for (const std::string& name : measure->symbols) elements.push_back(Dim::symbol(name));
      return elements;
    }
    if (node_.operands.empty() && !node_.as<Lookup>()) return std::nullopt;
    for (const Value* operand : node_.operands) {
      const auto operand_shape = static_shape(*operand);
      if (!operand->elements || !operand_shape) return std::nullopt;
      shapes_.push_back(*operand_shape);
    }
    shape_ = *shape;
    return dispatch();
  }

 private:
  const Elements& operand(size_t k) const { return *node_.operands[k]->elements; }

  std::optional<Elements> dispatch() {
    if (node_.as<Reshape>() || node_.as<Copy>()) return operand(0);
    if (const auto* elementwise = node_.as<Elementwise>()) return map(elementwise->expr);
    if (const auto* concat = node_.as<Concat>()) return join(concat->axis);
    if (const auto* gather = node_.as<Gather>()) return pick(gather->axis);
    if (const auto* reduce = node_.as<Reduce>()) return fold(*reduce);
    if (const auto* lookup = node_.as<Lookup>()) return look_up(*lookup);
    if (const auto* slice = node_.as<Slice>()) {
      for (const Dim& start : slice->starts) {
        if (!start.is_constant()) return std::nullopt;
      }
      return move([&](std::vector<int64_t>& index) {
        for (size_t i = 0; i < index.size(); ++i)
          index[i] = slice->starts[i].value() + index[i] * slice->steps[i];
      });
    }
    if (const auto* permute = node_.as<Permute>()) {
      return move([&](std::vector<int64_t>& index) {
        const std::vector<int64_t> from = index;
        for (size_t i = 0; i < index.size(); ++i) index[permute->perm[i]] = from[i];
      });
    }
    if (node_.as<Broadcast>()) return move([](std::vector<int64_t>&) {});
    return std::nullopt;
  }

  template <class Change>
  Elements move(Change change) {
    Elements result;
    for_each_index(shape_, [&](std::vector<int64_t> index) {
      change(index);
      result.push_back(operand(0)[flat(index, shapes_[0])]);
    });
    return result;
  }

  std::optional<Elements> map(const ScalarExpr& expr) {
    Elements result;
    bool known = true;
    for_each_index(shape_, [&](const std::vector<int64_t>& index) {
      if (!known) return;
      Sources from{.single =
                       std::all_of(shape_.begin(), shape_.end(), [](int64_t n) { return n == 1; })};
      for (size_t k = 0; k < shapes_.size(); ++k)
        from.operands.push_back(operand(k)[flat(index, shapes_[k])]);
      auto value = value_of(expr, from);
      known = value.has_value();
      if (known) result.push_back(std::move(*value));
    });
    return known ? std::optional(result) : std::nullopt;
  }

  Dim load(int k, std::vector<int64_t> coordinates) const {
    if (operand(k).empty()) return 0;
    for (size_t i = 0; i < coordinates.size(); ++i)
      coordinates[i] = std::clamp<int64_t>(coordinates[i], 0, shapes_[k][i] - 1);
    return operand(k)[flat(coordinates, shapes_[k])];
  }

  std::optional<Elements> look_up(const Lookup& lookup) {
    Elements result;
    bool known = true;
    Sources from{.dims = lookup.dims,
                 .load = [this](int k, const auto& coordinates) { return load(k, coordinates); }};
    for_each_index(shape_, [&](const std::vector<int64_t>& index) {
      if (!known) return;
      from.index = index;
      auto value = value_of(lookup.expr, from);
      known = value.has_value();
      if (known) result.push_back(std::move(*value));
    });
    return known ? std::optional(result) : std::nullopt;
  }

  Elements join(int axis) {
    Elements result;
    for_each_index(shape_, [&](std::vector<int64_t> index) {
      size_t k = 0;
      while (index[axis] >= shapes_[k][axis]) index[axis] -= shapes_[k++][axis];
      result.push_back(operand(k)[flat(index, shapes_[k])]);
    });
    return result;
  }

  std::optional<Elements> pick(int axis) {
    Elements result;
    bool known = true;
    const size_t rank = shapes_[1].size();
    for_each_index(shape_, [&](const std::vector<int64_t>& index) {
      const std::vector<int64_t> inner(index.begin() + axis,
                                       index.begin() + axis + static_cast<int64_t>(rank));
      const Dim& at = operand(1)[flat(inner, shapes_[1])];
      const int64_t extent = shapes_[0][axis];
      if (!known || !at.is_constant() || at.value() < -extent || at.value() >= extent) {
        known = false;
        return;
      }
      std::vector<int64_t> from(index.begin(), index.begin() + axis);
      from.push_back(at.value() < 0 ? at.value() + extent : at.value());
      from.insert(from.end(), index.begin() + axis + static_cast<int64_t>(rank), index.end());
      result.push_back(operand(0)[flat(from, shapes_[0])]);
    });
    return known ? std::optional(result) : std::nullopt;
  }

  std::optional<Elements> fold(const Reduce& reduce) {
    std::vector<std::optional<Dim>> sums(1);
    int64_t count = 1;
    for (const int64_t extent : shape_) count *= extent;
    sums.resize(count);
    for_each_index(shapes_[0], [&](std::vector<int64_t> index) {
      const Dim& value = operand(0)[flat(index, shapes_[0])];
      for (const int axis : reduce.axes) index[axis] = 0;
      std::optional<Dim>& sum = sums[flat(index, shape_)];
      if (!sum) {
        sum = value;
      } else {
        sum = reduce.kind == ReduceKind::kSum       ? *sum + value
              : reduce.kind == ReduceKind::kProduct ? *sum * value
              : reduce.kind == ReduceKind::kMin     ? min(*sum, value)
                                                    : max(*sum, value);
      }
    });
    Elements result;
    for (const auto& sum : sums) {
      if (sum) {
        result.push_back(*sum);
      } else if (reduce.kind == ReduceKind::kSum || reduce.kind == ReduceKind::kProduct) {
        result.emplace_back(reduce.kind == ReduceKind::kSum ? 0 : 1);
      } else {
        return std::nullopt;
      }
    }
    return result;
  }

  const Node& node_;
  const Value& result_;
  std::vector<int64_t> shape_;
  std::vector<std::vector<int64_t>> shapes_;
};

}  // namespace

std::optional<std::vector<Dim>> evaluate_symbolic(const Node& node) {
  return SymbolicEvaluator(node).run();
}

}  // namespace dovetail::ir
