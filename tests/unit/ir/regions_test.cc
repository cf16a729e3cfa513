#include "ir/regions.h"

#include <gtest/gtest.h>

#include "tensors.h"

namespace dovetail::ir {
namespace {

using Numbers = std::vector<double>;

TensorData ints(std::vector<int64_t> shape, const std::vector<double>& values) {
  return tensor(DType::kI64, std::move(shape), values);
}

Value* doubled(Graph& graph, Value* x) {
  ExprBuilder e;
  const auto operand = e.operand(0, DType::kF32);
  return graph.value(Elementwise{e.finish(e.binary(ScalarOp::kAdd, operand, operand))}, {x});
}

// x float32[n], count int64[1] -> the first `count` elements of x
void first_elements(Graph* graph) {
  graph->symbols = {{"n", {}}, {"count", {0, 5}}};
  Value* x = graph->input("x", {DType::kF32, {Dim::symbol("n")}});
  Value* count = graph->input("number", {DType::kI64, {Dim(1)}});
  graph->value(Measure{{"count"}}, {count});
  graph->outputs.push_back(graph->value(Slice{{0}, {1}, {Dim::symbol("count")}}, {x}));
  graph->output_names = {"y"};
}

TEST(Measure, GivesSymbolsTheirValues) {
  Graph graph;
  first_elements(&graph);
  verify(graph);
  EXPECT_EQ(numbers(evaluate(graph, {f32({4}, {1, 2, 3, 4}), ints({1}, {2})})[0]), (Numbers{1, 2}));
  EXPECT_THROW(evaluate(graph, {f32({7}, {1, 2, 3, 4, 5, 6, 7}), ints({1}, {6})}), Error);
}

TEST(Measure, StaysWhereItsSymbolIsUsed) {
  Graph graph;
  first_elements(&graph);
  graph.checks.push_back({Dim::symbol("count"), 2, "count", {}});
  graph.remove_dead();
  EXPECT_EQ(graph.nodes().size(), 4U);
  EXPECT_EQ(graph.checks.size(), 1U);
  graph.outputs = {graph.inputs[0]};
  graph.remove_dead();
  EXPECT_EQ(graph.nodes().size(), 2U);
  EXPECT_TRUE(graph.checks.empty());
}

TEST(Check, FailsTheRun) {
  Graph graph;
  first_elements(&graph);
  graph.checks.push_back({Dim::symbol("count"), Dim::symbol("n"), "all of them", {}});
  EXPECT_NO_THROW(evaluate(graph, {f32({1}, {1}), ints({1}, {1})}));
  try {
    evaluate(graph, {f32({3}, {1, 2, 3}), ints({1}, {2})});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "all of them: count is 2, n is 3");
  }
}

TEST(Compact, GivesThePositionsOfTrueElements) {
  const TensorData mask = tensor(DType::kBool, {6}, {0, 1, 1, 0, 0, 1});
  EXPECT_EQ(numbers(apply(Compact{3}, {mask})), (Numbers{1, 2, 5}));
}

TEST(Verify, RefusesASymbolBeforeItsDefinition) {
  Graph graph;
  first_elements(&graph);
  auto& nodes = graph.nodes();
  nodes.splice(nodes.end(), nodes, std::prev(nodes.end(), 2));  // the Measure goes last
  EXPECT_THROW(verify(graph), Error);
}

// c ? x + x : x, over a capture
TEST(If, TakesOneBranch) {
  Graph graph;
  Value* c = graph.input("c", {DType::kBool, {}});
  Value* x = graph.input("x", {DType::kF32, {Dim(2)}});
  const auto branch = [&](bool doubles) {
    auto body = std::make_shared<Graph>();
    Value* inner = body->input("x", x->type);
    body->outputs = {doubles ? doubled(*body, inner) : inner};
    body->output_names = {"y"};
    return body;
  };
  graph.outputs = {graph.value(If{branch(true), branch(false), {x->type}, {}}, {c, x})};
  graph.output_names = {"y"};
  verify(graph);
  verify(*clone(graph));
  const TensorData data = f32({2}, {3, 4});
  EXPECT_EQ(numbers(evaluate(graph, {tensor(DType::kBool, {}, {1}), data})[0]), (Numbers{6, 8}));
  EXPECT_EQ(numbers(evaluate(graph, {tensor(DType::kBool, {}, {0}), data})[0]), (Numbers{3, 4}));
}

// The state is doubled `trips` times and collected.
TEST(Loop, CarriesStatesAndStacksScans) {
  for (const int64_t trips : {0, 1, 3}) {
    Graph graph;
    Value* x = graph.input("x", {DType::kF32, {Dim(2)}});
    Loop loop;
    loop.body = std::make_shared<Graph>();
    loop.trips = trips;
    loop.states = loop.scans = 1;
    loop.iteration = "i";
    loop.body->input("i", {DType::kI64, {}});
    Value* next = doubled(*loop.body, loop.body->input("state", x->type));
    loop.body->outputs = {next, loop.body->value(Copy{}, {next})};
    loop.body->output_names = {"next", "scan"};
    loop.types = {x->type, {DType::kF32, {Dim(trips), Dim(2)}}};
    const Node* node = graph.add(loop, {x});
    graph.outputs = {node->results[0].get(), node->results[1].get()};
    graph.output_names = {"last", "all"};
    verify(graph);
    const auto outputs = evaluate(graph, {f32({2}, {1, 10})});
    const double factor = static_cast<double>(int64_t{1} << trips);
    EXPECT_EQ(numbers(outputs[0]), (Numbers{factor, 10 * factor}));
    EXPECT_EQ(outputs[1].shape(), (std::vector<int64_t>{trips, 2}));
    if (trips == 3) {
      EXPECT_EQ(numbers(outputs[1]), (Numbers{2, 20, 4, 40, 8, 80}));
    }
  }
}

TEST(Regions, CapturesAreMadeOnceAndPruned) {
  Graph graph;
  Value* c = graph.input("c", {DType::kBool, {}});
  Value* x = graph.input("x", {DType::kF32, {}});
  Value* y = graph.input("y", {DType::kF32, {}});
  const auto empty = [] { return std::make_shared<Graph>(); };
  Node* node = graph.add(If{empty(), empty(), {x->type}, {}}, {c});
  Graph* body = bodies_of(*node)[0];
  Value* inside = capture(*node, *body, x);
  EXPECT_EQ(capture(*node, *body, x), inside);
  capture(*node, *bodies_of(*node)[1], y);
  EXPECT_EQ(node->operands, (std::vector<Value*>{c, x, y}));
  for (Graph* each : bodies_of(*node)) each->outputs = {each->inputs[0]};
  prune_captures(*node);
  EXPECT_EQ(node->operands, (std::vector<Value*>{c, x}));
  EXPECT_EQ(body->inputs, (std::vector<Value*>{inside}));
}

}  // namespace
}  // namespace dovetail::ir
