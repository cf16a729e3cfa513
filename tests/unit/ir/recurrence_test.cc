// The evaluator's recurrent cells against values worked out by hand.
#include <cmath>

#include "unit/ir/tensors.h"

namespace dovetail::ir {
namespace {

ScalarExpr identity() { return operand_expr(DType::kF32); }

std::vector<TensorData> run(const Recurrence& op, const std::vector<TensorData>& operands) {
  Graph graph;
  std::vector<Value*> values;
  for (const TensorData& operand : operands) {
    values.push_back(graph.input("x" + std::to_string(values.size()), type_of(operand)));
  }
  const Node* node = graph.add(op, values);
  for (const auto& result : node->results) {
    graph.outputs.push_back(result.get());
    graph.output_names.push_back("y" + std::to_string(graph.output_names.size()));
  }
  verify(graph);
  return evaluate(graph, operands);
}

Recurrence cell(CellKind kind) {
  Recurrence op{.kind = kind, .activations = {}};
  op.activations.assign(kind == CellKind::kRnn ? 1 : kind == CellKind::kGru ? 2 : 3, identity());
  return op;
}

using Doubles = std::vector<double>;

TEST(Recurrence, RnnAddsInputsAndState) {
  Recurrence op = cell(CellKind::kRnn);
  const std::vector<TensorData> x = {f32({3, 1, 1}, {1, 2, 3}), f32({1, 1}, {2}), f32({1, 1}, {5})};
  auto results = run(op, x);
  EXPECT_EQ(numbers(results[0]), (Doubles{11, 24, 51}));
  EXPECT_EQ(numbers(results[1]), Doubles{51});
  op.reverse = true;
  results = run(op, x);
  EXPECT_EQ(numbers(results[0]), (Doubles{57, 28, 13}));
  EXPECT_EQ(numbers(results[1]), Doubles{57});
}

TEST(Recurrence, RowsEndAtTheirLengths) {
  Recurrence op = cell(CellKind::kRnn);
  op.lengths = true;
  const std::vector<TensorData> x = {f32({2, 3, 1}, {1, 1, 1, 2, 2, 2}), f32({1, 1}, {2}),
                                     f32({3, 1}, {5, 6, 7}), tensor(DType::kI32, {3}, {2, 1, 0})};
  auto results = run(op, x);
  EXPECT_EQ(numbers(results[0]), (Doubles{11, 13, 0, 24, 0, 0}));
  EXPECT_EQ(numbers(results[1]), (Doubles{24, 13, 0}));
  op.reverse = true;
  results = run(op, x);
  EXPECT_EQ(numbers(results[0]), (Doubles{25, 13, 0, 12, 0, 0}));
  EXPECT_EQ(numbers(results[1]), (Doubles{25, 13, 0}));
}

TEST(Recurrence, GruMixesStateAndCandidate) {
  Recurrence op = cell(CellKind::kGru);
  // z = 2 + h, s = 3 + 2h, m = 1 + s h 5
  const std::vector<TensorData> x = {f32({1, 1, 3}, {2, 3, 1}), f32({1, 3}, {1, 2, 5}),
                                     f32({1, 1}, {2})};
  EXPECT_EQ(numbers(run(op, x)[0]), Doubles{(1 - 4) * (1 + 7 * 2 * 5) + 4 * 2});
  op.linear_before_reset = true;
  std::vector<TensorData> with_bias = x;
  with_bias.push_back(f32({1, 1}, {3}));
  EXPECT_EQ(numbers(run(op, with_bias)[0]), Doubles{(1 - 4) * (1 + 7 * (2 * 5 + 3)) + 4 * 2});
}

TEST(Recurrence, LstmGatesInTheOrderOfOnnx) {
  Recurrence op = cell(CellKind::kLstm);
  op.peepholes = true;
  // Sums i, o, f, m with h = 1; c = 2.
  const std::vector<TensorData> x = {f32({1, 1, 4}, {1, 2, 3, 4}), f32({1, 4}, {1, 1, 1, 1}),
                                     f32({1, 1}, {1}), f32({1, 1}, {2}), f32({3, 1}, {1, 2, 3})};
  const double i = 2 + 2, f = 4 + 6, c = f * 2 + i * 5, o = 3 + 2 * c;
  auto results = run(op, x);
  EXPECT_EQ(numbers(results[0]), Doubles{o * c});
  EXPECT_EQ(numbers(results[2]), Doubles{c});
  op.coupled = true;
  const double coupled = (1 - i) * 2 + i * 5;
  results = run(op, x);
  EXPECT_EQ(numbers(results[2]), Doubles{coupled});
}

TEST(Recurrence, PackedWeightsMeanTheSame) {
  for (const CellKind kind : {CellKind::kRnn, CellKind::kGru, CellKind::kLstm}) {
    Recurrence op = cell(kind);
    const int64_t gates = op.gates(), hidden = 3, panel = 2;
    const TensorData r = counting({hidden, gates * hidden}, -4);
    Doubles packed;
    for (int64_t p = 0; p < 2; ++p) {
      for (int64_t k = 0; k < hidden; ++k) {
        for (int64_t g = 0; g < gates; ++g) {
          for (int64_t j = p * panel; j < (p + 1) * panel; ++j) {
            packed.push_back(j < hidden ? r.as_double(k * gates * hidden + g * hidden + j) : 0);
          }
        }
      }
    }
    std::vector<TensorData> x = {counting({2, 1, gates * hidden}), r, counting({1, hidden}, 1)};
    if (op.has_cell()) x.push_back(counting({1, hidden}, 2));
    const auto plain = run(op, x);
    op.panel = panel;
    x[1] = f32({2, hidden, gates, panel}, packed);
    const auto same = run(op, x);
    for (size_t i = 0; i < plain.size(); ++i) EXPECT_EQ(numbers(same[i]), numbers(plain[i]));
  }
}

TEST(Recurrence, RefusesShapesThatDoNotFit) {
  Graph graph;
  const auto input = [&](Shape shape) {
    return graph.input("x" + std::to_string(graph.inputs.size()), {DType::kF32, std::move(shape)});
  };
  Value* xw = input({2, 1, 6});
  Value* r = input({3, 3});
  Value* h = input({1, 3});
  expect_error(ErrorKind::kValue, "recurrence, inputs: 6 and 3 differ",
               [&] { graph.add(cell(CellKind::kRnn), {xw, r, h}); });
}

}  // namespace
}  // namespace dovetail::ir
