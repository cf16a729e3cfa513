#include "unit/passes/model_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ir/evaluate.h"

namespace dovetail::passes {

using ir::Dim;
using ir::DType;
using ir::ScalarOp;
using ir::Shape;
using ir::TensorData;
using ir::Value;

namespace {

// Uniform in [0, 1).
double next_random(uint64_t* state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return static_cast<double>(*state >> 40) / static_cast<double>(1u << 24);
}

std::vector<int> channels_first(int rank) {
  std::vector<int> perm{0, rank - 1};
  for (int i = 1; i < rank - 1; ++i) perm.push_back(i);
  return perm;
}

std::vector<int> channels_last(int rank) {
  std::vector<int> perm{0};
  for (int i = 2; i < rank; ++i) perm.push_back(i);
  perm.push_back(1);
  return perm;
}

}  // namespace

Value* ModelWriter::input(const std::string& name, Shape shape) {
  return graph.input(name, {DType::kF32, std::move(shape)});
}

Value* ModelWriter::param(const std::string& name, std::vector<int64_t> shape, double least) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) {
    values.push_back(static_cast<float>(least + 2 * next_random(&state_)));
  }
  return graph.param(name, TensorData::of(DType::kF32, std::move(shape), values));
}

Value* ModelWriter::scalar(double value) {
  return graph.constant(
      TensorData::of(DType::kF32, {}, std::vector<float>{static_cast<float>(value)}));
}

void ModelWriter::output(Value* value) {
  graph.outputs.push_back(value);
  graph.output_names.push_back("y" + std::to_string(graph.outputs.size() - 1));
}

Value* ModelWriter::conv(Value* x, const Conv& c) {
  graph.set_origin(c.name);
  const int64_t in = x->shape()[1].value();
  Value* w = param(c.name + ".w", {c.channels, in / c.groups, c.kernel, c.kernel});
  ir::Contract op;
  op.groups = c.groups;
  op.window = {
      {c.kernel, c.kernel}, {c.stride, c.stride}, {c.dilation, 1}, {c.pad, c.pad}, {c.pad, c.pad}};
  Value* y = graph.value(op, {permute(x, channels_last(4)), permute(w, {2, 3, 1, 0})});
  y = permute(y, channels_first(4));
  if (c.bias) {
    y = binary(ScalarOp::kAdd, y, per_channel(param(c.name + ".b", {c.channels}), 4));
  }
  return y;
}

Value* ModelWriter::batch_norm(Value* x, const std::string& name) {
  graph.set_origin(name);
  const int64_t channels = x->shape()[1].value();
  const auto vector = [&](const char* what, double least) {
    return per_channel(param(name + what, {channels}, least), 4);
  };
  Value* centred = binary(ScalarOp::kSub, x, vector(".mean", -1));
  Value* deviation =
      unary(ScalarOp::kSqrt, binary(ScalarOp::kAdd, vector(".var", 0.5), scalar(1e-5)));
  Value* scaled =
      binary(ScalarOp::kMul, binary(ScalarOp::kDiv, centred, deviation), vector(".scale", -1));
  return binary(ScalarOp::kAdd, scaled, vector(".bias", -1));
}

Value* ModelWriter::max_pool(Value* x, int64_t kernel, int64_t stride) {
  graph.set_origin("pool");
  ir::Pool op{
      ir::PoolKind::kMax, {{kernel, kernel}, {stride, stride}, {1, 1}, {0, 0}, {0, 0}}, {0, 0}};
  return permute(graph.value(op, {permute(x, channels_last(4))}), channels_first(4));
}

Value* ModelWriter::global_average_pool(Value* x) {
  graph.set_origin("global_average_pool");
  const double pixels = static_cast<double>((x->shape()[2] * x->shape()[3]).value());
  return binary(ScalarOp::kMul, reduce(ir::ReduceKind::kSum, x, {2, 3}), scalar(1 / pixels));
}

Value* ModelWriter::unary(ScalarOp op, Value* x) {
  ir::ExprBuilder e;
  return graph.value(ir::Elementwise{e.finish(e.unary(op, e.operand(0, x->dtype())))}, {x});
}

Value* ModelWriter::binary(ScalarOp op, Value* a, Value* b) {
  const size_t rank = static_cast<size_t>(std::max(a->rank(), b->rank()));
  for (Value** value : {&a, &b}) {
    Shape shape(rank - (*value)->shape().size(), Dim(1));
    shape.insert(shape.end(), (*value)->shape().begin(), (*value)->shape().end());
    *value = reshape(*value, shape);
  }
  ir::ExprBuilder e;
  const auto x = e.operand(0, a->dtype());
  const auto y = e.operand(1, b->dtype());
  return graph.value(ir::Elementwise{e.finish(e.binary(op, x, y))}, {a, b});
}

Value* ModelWriter::relu(Value* x) {
  graph.set_origin("relu");
  return binary(ScalarOp::kMax, x, scalar(0));
}

Value* ModelWriter::softmax(Value* x, int axis) {
  graph.set_origin("softmax");
  Value* largest = reduce(ir::ReduceKind::kMax, x, {axis});
  Value* e = unary(ScalarOp::kExp, binary(ScalarOp::kSub, x, largest));
  return binary(ScalarOp::kDiv, e, reduce(ir::ReduceKind::kSum, e, {axis}));
}

Value* ModelWriter::layer_norm(Value* x, const std::string& name) {
  graph.set_origin(name);
  const int axis = x->rank() - 1;
  const int64_t width = x->shape().back().value();
  const auto mean = [&](Value* v) {
    return binary(ScalarOp::kMul, reduce(ir::ReduceKind::kSum, v, {axis}),
                  scalar(1 / static_cast<double>(width)));
  };
  Value* centred = binary(ScalarOp::kSub, x, mean(x));
  Value* variance = mean(binary(ScalarOp::kMul, centred, centred));
  Value* deviation = unary(ScalarOp::kSqrt, binary(ScalarOp::kAdd, variance, scalar(1e-5)));
  Value* scaled = binary(ScalarOp::kMul, binary(ScalarOp::kDiv, centred, deviation),
                         param(name + ".scale", {width}));
  return binary(ScalarOp::kAdd, scaled, param(name + ".bias", {width}));
}

Value* ModelWriter::linear(Value* x, const std::string& name, int64_t columns) {
  graph.set_origin(name);
  Value* w = param(name + ".w", {x->shape().back().value(), columns});
  return binary(ScalarOp::kAdd, graph.value(ir::Contract{}, {x, w}), param(name + ".b", {columns}));
}

Value* ModelWriter::permute(Value* x, std::vector<int> perm) {
  return graph.value(ir::Permute{std::move(perm)}, {x});
}

Value* ModelWriter::reshape(Value* x, Shape shape) {
  return x->shape() == shape ? x : graph.value(ir::Reshape{std::move(shape)}, {x});
}

Value* ModelWriter::reduce(ir::ReduceKind kind, Value* x, std::vector<int> axes) {
  return graph.value(ir::Reduce{kind, std::move(axes)}, {x});
}

Value* ModelWriter::concat(std::vector<Value*> values, int axis) {
  return graph.value(ir::Concat{axis}, std::move(values));
}

Value* ModelWriter::per_channel(Value* vector, int rank) {
  Shape shape(rank, Dim(1));
  shape[1] = vector->shape()[0];
  return reshape(vector, std::move(shape));
}

std::vector<TensorData> outputs_of(const ir::Graph& graph,
                                   const std::map<std::string, int64_t>& symbols) {
  uint64_t state = 7;
  std::vector<TensorData> inputs;
  for (const Value* input : graph.inputs) {
    std::vector<int64_t> shape;
    int64_t count = 1;
    for (const Dim& extent : input->shape()) {
      shape.push_back(extent.evaluate(symbols));
      count *= shape.back();
    }
    std::vector<float> values;
    for (int64_t i = 0; i < count; ++i) {
      values.push_back(static_cast<float>(4 * next_random(&state) - 2));
    }
    inputs.push_back(TensorData::of(DType::kF32, shape, values));
  }
  return ir::evaluate(graph, inputs);
}

namespace {

void expect_close(const TensorData& a, const TensorData& b, double tolerance) {
  ASSERT_EQ(a.shape(), b.shape());
  double largest = 0;
  for (int64_t i = 0; i < a.element_count(); ++i) {
    largest = std::max(largest, std::abs(a.as_double(i)));
  }
  for (int64_t i = 0; i < a.element_count(); ++i) {
    ASSERT_NEAR(a.as_double(i), b.as_double(i), tolerance * largest) << "element " << i;
  }
}

}  // namespace

std::shared_ptr<ir::Graph> expect_same(const ir::Graph& graph, void (*pass)(ir::Graph&),
                                       double tolerance,
                                       const std::map<std::string, int64_t>& symbols) {
  std::shared_ptr<ir::Graph> after = ir::clone(graph);
  pass(*after);
  ir::verify(*after);
  const std::shared_ptr<ir::Graph> twice = ir::clone(*after);
  pass(*twice);
  ir::verify(*twice);
  EXPECT_EQ(text_of(*twice), text_of(*ir::clone(*after))) << "the pass is not idempotent";
  const auto expected = outputs_of(graph, symbols);
  const auto got = outputs_of(*after, symbols);
  EXPECT_EQ(expected.size(), got.size());
  for (size_t k = 0; k < std::min(expected.size(), got.size()); ++k) {
    SCOPED_TRACE("output " + std::to_string(k));
    expect_close(expected[k], got[k], tolerance);
  }
  return after;
}

std::map<std::string, int> count_kinds(const ir::Graph& graph) {
  std::map<std::string, int> counts;
  for (const auto& node : graph.nodes()) ++counts[std::string(ir::name_of(node->op))];
  return counts;
}

std::string text_of(const ir::Graph& graph) {
  std::string text = ir::to_string(*ir::clone(graph));
  std::string result;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = text.find('\n', begin);
    std::string line = text.substr(begin, end - begin);
    result += line.substr(0, line.find("  # ")) + "\n";
    begin = end + 1;
  }
  return result;
}

}  // namespace dovetail::passes
