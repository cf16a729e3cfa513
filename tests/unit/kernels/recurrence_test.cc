// Recurrent layers against the evaluator: every cell, odd sizes, all levels.
#include <gtest/gtest.h>

#include "unit/kernels/harness.h"

namespace dovetail::kernels::testing {
namespace {

using ir::CellKind;
using ir::Dim;
using ir::DType;

struct RecurrenceCase {
  CellKind kind = CellKind::kLstm;
  Dim steps = 3, rows = 1;
  int64_t hidden = 16;
  DType dtype = DType::kF32;
  int panel = 32;
  bool reverse = false, linear_before_reset = false, coupled = false, peepholes = false;
  bool lengths = false;
};

ir::ScalarExpr unary(ir::ScalarOp op, DType dtype) {
  ir::ExprBuilder e;
  return e.finish(e.unary(op, e.operand(0, dtype)));
}

class RecurrenceNode {
 public:
  explicit RecurrenceNode(const RecurrenceCase& c) {
    ir::Recurrence op{.kind = c.kind,
                      .reverse = c.reverse,
                      .linear_before_reset = c.linear_before_reset,
                      .coupled = c.coupled,
                      .peepholes = c.peepholes,
                      .lengths = c.lengths,
                      .panel = c.panel,
                      .activations = {}};
    const ir::ScalarExpr sigmoid = unary(ir::ScalarOp::kSigmoid, c.dtype);
    const ir::ScalarExpr tanh = unary(ir::ScalarOp::kTanh, c.dtype);
    op.activations = {c.kind == CellKind::kRnn ? tanh : sigmoid, tanh, tanh};
    op.activations.resize(c.kind == CellKind::kRnn ? 1 : c.kind == CellKind::kGru ? 2 : 3);
    const int64_t panels = (c.hidden + c.panel - 1) / c.panel;
    add(c.dtype, {c.steps, c.rows, c.hidden * op.gates()});
    add(c.dtype, {panels, c.hidden, op.gates(), c.panel});
    add(c.dtype, {c.rows, c.hidden});
    if (op.has_cell()) add(c.dtype, {c.rows, c.hidden});
    if (c.linear_before_reset) add(c.dtype, {1, c.hidden});
    if (c.peepholes) add(c.dtype, {3, c.hidden});
    if (c.lengths) add(DType::kI32, {c.rows});
    node_ = graph_.add(op, operands_);
  }
  const ir::Node& node() const { return *node_; }

 private:
  void add(DType dtype, ir::Shape shape) {
    operands_.push_back(
        graph_.input("x" + std::to_string(operands_.size()), {dtype, std::move(shape)}));
  }
  ir::Graph graph_;
  std::vector<ir::Value*> operands_;
  ir::Node* node_ = nullptr;
};

// Rounding errors grow with the steps where random weights make a state chaotic.
void check(const RecurrenceCase& c, Check how = {}) {
  how.tolerance = c.dtype == DType::kF64 ? 1e-12 : 5e-5;
  SCOPED_TRACE(::testing::Message() << "cell " << static_cast<int>(c.kind) << ", hidden "
                                    << c.hidden << ", rows " << c.rows.to_string());
  expect_matches_evaluator(RecurrenceNode(c).node(), how);
}

constexpr CellKind kCells[] = {CellKind::kRnn, CellKind::kGru, CellKind::kLstm};

TEST(Recurrence, HiddenSizesAroundVectorsAndPanels) {
  for (const CellKind kind : kCells) {
    for (const int64_t hidden : {1, 3, 8, 15, 16, 17, 31, 32, 33, 47, 64, 100}) {
      check({.kind = kind, .hidden = hidden});
    }
  }
}

TEST(Recurrence, RowsAroundTiles) {
  for (const CellKind kind : kCells) {
    for (const int64_t rows : {2, 3, 4, 5, 7, 12, 13, 25, 49}) {
      check({.kind = kind, .rows = rows, .hidden = 20});
    }
  }
}

TEST(Recurrence, SymbolicStepsAndRows) {
  const Dim t = Dim::symbol("t");
  const Dim n = Dim::symbol("n");
  for (const CellKind kind : kCells) {
    check({.kind = kind, .steps = t, .rows = n, .hidden = 35, .lengths = true},
          {.symbols = {{{"t", 1}, {"n", 1}},
                       {{"t", 0}, {"n", 3}},
                       {{"t", 5}, {"n", 0}},
                       {{"t", 4}, {"n", 14}},
                       {{"t", 7}, {"n", 60}}}});
  }
}

TEST(Recurrence, Variants) {
  for (const bool reverse : {false, true}) {
    for (const bool lengths : {false, true}) {
      for (const int64_t rows : {1, 6}) {
        RecurrenceCase c{.rows = rows, .hidden = 37, .reverse = reverse, .lengths = lengths};
        check(c);
        c.peepholes = true;
        check(c);
        c.coupled = true;
        check(c);
        RecurrenceCase gru{.kind = CellKind::kGru,
                           .steps = 4,
                           .rows = rows,
                           .hidden = 37,
                           .reverse = reverse,
                           .linear_before_reset = true,
                           .lengths = lengths};
        check(gru);
        gru.linear_before_reset = false;
        check(gru);
        check({.kind = CellKind::kRnn,
               .rows = rows,
               .hidden = 37,
               .reverse = reverse,
               .lengths = lengths});
      }
    }
  }
}

TEST(Recurrence, DoublePrecisionAndOtherPanels) {
  for (const CellKind kind : kCells) {
    check({.kind = kind, .rows = 5, .hidden = 21, .dtype = DType::kF64, .panel = 16});
    check({.kind = kind, .rows = 2, .hidden = 21, .panel = 16});
  }
}

TEST(Recurrence, RowsWithGaps) {
  check({.steps = 5, .rows = 4, .hidden = 19}, {.gaps = {3, 0, 5, 7, 2, 1, 4}});
}

TEST(Recurrence, ManySteps) {
  check({.kind = CellKind::kGru, .steps = 200, .hidden = 33, .linear_before_reset = true});
  check({.steps = 12, .rows = 30, .hidden = 64});
}

TEST(Recurrence, Strict) { check({.rows = 3, .hidden = 20}, {.strict = true}); }

}  // namespace
}  // namespace dovetail::kernels::testing
