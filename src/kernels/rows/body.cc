#include "kernels/rows/body.h"

#include <algorithm>
#include <unordered_map>

#include "base/error.h"

namespace dovetail::kernels::rows {
namespace {

class BodyBuilder {
 public:
  int operand(int index, const ir::TensorType& type) {
    BodyValue value{
        .dtype = type.dtype, .shape = type.shape, .operand = index, .expr = {}, .arguments = {}};
    body_.values.push_back(std::move(value));
    return last();
  }

  int add(const ir::Node& node, std::vector<int> arguments) {
    const ir::Value& result = *node.result();
    BodyValue value{.dtype = result.dtype(),
                    .shape = result.shape(),
                    .expr = {},
                    .arguments = std::move(arguments)};
    for (const int argument : value.arguments)
      value.depth = std::max(value.depth, body_.values[argument].depth);
    if (const auto* reduce = node.as<ir::Reduce>()) {
      value.kind = BodyValue::Kind::kReduce;
      value.reduce = reduce->kind;
      ++value.depth;
      reduced_axes_.insert(reduced_axes_.end(), reduce->axes.begin(), reduce->axes.end());
    } else {
      value.kind = BodyValue::Kind::kElementwise;
      const auto* elementwise = node.as<ir::Elementwise>();
      DOVETAIL_CHECK(elementwise || node.as<ir::Copy>() || node.as<ir::Broadcast>(),
                     "a {} in a rows kernel", ir::name_of(node.op));
      value.expr = elementwise ? elementwise->expr : ir::operand_expr(result.dtype());
    }
    body_.values.push_back(std::move(value));
    return last();
  }

  void output(int value) { body_.outputs.push_back(value); }

  Body finish() {
    for (const BodyValue& value : body_.values) {
      body_.domain.resize(std::max(body_.domain.size(), value.shape.size()), ir::Dim(1));
      for (size_t axis = 0; axis < value.shape.size(); ++axis) {
        if (body_.domain[axis] == ir::Dim(1)) body_.domain[axis] = value.shape[axis];
      }
      body_.max_depth = std::max(body_.max_depth, value.depth);
    }
    body_.reduced.assign(body_.domain.size(), false);
    for (const int axis : reduced_axes_) body_.reduced[axis] = body_.domain[axis] != ir::Dim(1);
    for (BodyValue& value : body_.values) value.varies = varies(value);
    return std::move(body_);
  }

 private:
  int last() const { return static_cast<int>(body_.values.size()) - 1; }

  bool varies(const BodyValue& value) const {
    if (value.kind == BodyValue::Kind::kReduce) return false;
    for (size_t axis = 0; axis < value.shape.size(); ++axis) {
      if (body_.reduced[axis] && value.shape[axis] != ir::Dim(1)) return true;
    }
    return false;
  }

  Body body_;
  std::vector<int> reduced_axes_;
};

}  // namespace

Body body_of(const ir::Node& node) {
  BodyBuilder builder;
  std::vector<int> operands;
  for (size_t k = 0; k < node.operands.size(); ++k)
    operands.push_back(builder.operand(static_cast<int>(k), node.operands[k]->type));
  const auto* composite = node.as<ir::Composite>();
  if (!composite) {
    builder.output(builder.add(node, operands));
    return builder.finish();
  }
  std::unordered_map<const ir::Value*, int> values;
  for (size_t k = 0; k < composite->body->inputs.size(); ++k)
    values[composite->body->inputs[k]] = operands[k];
  for (const auto& inner : composite->body->nodes()) {
    if (inner->as<ir::Input>()) continue;
    std::vector<int> arguments;
    for (const ir::Value* operand : inner->operands) arguments.push_back(values.at(operand));
    values[inner->result()] = builder.add(*inner, std::move(arguments));
  }
  for (const ir::Value* output : composite->body->outputs) builder.output(values.at(output));
  return builder.finish();
}

}  // namespace dovetail::kernels::rows
