// LSTM, GRU, RNN: recurrent layers in one or both directions.
//   x (T, N, I), w (D, G*H, I), r (D, G*H, H), b (D, 2*G*H), lengths (N), h0 (D, N, H), c0 (D, N,
//   H), p (D, 3*H) -> y (T, D, N, H), h (D, N, H), c (D, N, H)
// Layout 1: x (N, T, I), states (N, D, H), y (N, T, D, H).
#include <fmt/format.h>

#include <map>

#include "base/error.h"
#include "ops/lowering/context.h"
#include "ops/lowering/recurrent_activations.h"

namespace dovetail::ops {
namespace {

using ir::CellKind;
using ir::Dim;
using ir::DType;
using ir::Recurrence;
using ir::ScalarOp;
using ir::Shape;
using ir::Value;

constexpr size_t kX = 0, kW = 1, kR = 2, kB = 3, kLengths = 4, kH0 = 5, kC0 = 6, kP = 7;

class RecurrentLowering {
 public:
  RecurrentLowering(LowerContext& c, CellKind kind) : c_(c), b_(c.build) {
    op_.kind = kind;
    op_.linear_before_reset = kind == CellKind::kGru && c.flag("linear_before_reset");
    op_.coupled = kind == CellKind::kLstm && c.flag("input_forget");
    op_.peepholes = kind == CellKind::kLstm && c.has(kP);
    op_.lengths = c.has(kLengths);
    read_direction();
    read_layout();
    read_shapes();
  }

  Values run() {
    static const std::vector<Texts> kUsual = {
        {"Tanh"}, {"Sigmoid", "Tanh"}, {"Sigmoid", "Tanh", "Tanh"}};
    const Texts& usual = kUsual[static_cast<size_t>(op_.kind)];
    const auto activations = recurrent_activations(c_, usual, directions_, work_);
    Value* const xw = products();
    std::vector<Values> results;  // by result, by direction
    for (int d = 0; d < directions_; ++d) {
      Recurrence op = op_;
      op.reverse = reverse_ || d == 1;
      const auto first = activations.begin() + d * static_cast<std::ptrdiff_t>(usual.size());
      op.activations.assign(first, first + static_cast<std::ptrdiff_t>(usual.size()));
      const ir::Node* node = c_.graph().add(op, operands(xw, d));
      results.resize(node->results.size());
      for (size_t i = 0; i < results.size(); ++i) results[i].push_back(node->results[i].get());
    }
    Values values = {sequence(results[0])};
    for (size_t i = 1; i < results.size(); ++i) values.push_back(state(results[i]));
    return values;
  }

 private:
  void read_direction() {
    const std::string& direction = c_.text("direction");
    if (direction != "forward" && direction != "reverse" && direction != "bidirectional") {
      throw_error(ErrorKind::kValue,
                  "direction is '{}', expected 'forward', 'reverse' or 'bidirectional'", direction);
    }
    reverse_ = direction == "reverse";
    directions_ = direction == "bidirectional" ? 2 : 1;
  }

  void read_layout() {
    if (c_.opset() < 14) return;
    if (c_.integer("layout") != 0 && c_.integer("layout") != 1) {
      throw_error(ErrorKind::kValue, "layout is {}, expected 0 or 1", c_.integer("layout"));
    }
    batch_first_ = c_.integer("layout") == 1;
  }

  void read_shapes() {
    c_.require_rank(kX, 3, 3);
    c_.require_rank(kR, 3, 3);
    c_.require_rank(kW, 3, 3);
    Shape x = c_.x(kX)->shape();
    x[2] = common_extent(x[2], c_.x(kW)->shape()[2]);
    steps_ = x[batch_first_ ? 1 : 0];
    rows_ = x[batch_first_ ? 0 : 1];
    hidden_ = c_.x(kR)->shape()[2];
    if (c_.has_attribute("hidden_size")) {
      const std::string text =
          fmt::format("hidden_size is {}, but {} has shape {}", c_.integer("hidden_size"),
                      c_.input_text(kR), ir::to_string(c_.x(kR)->shape()));
      if (hidden_.is_constant() && hidden_ != Dim(c_.integer("hidden_size")))
        throw_error(ErrorKind::kValue, "{}", text);
      hidden_ = c_.integer("hidden_size");
    }
    c_.require_fixed(hidden_, fmt::format("the last extent of {} is {}", c_.input_text(kR),
                                          hidden_.to_string()));
    if (hidden_.value() < 1) {
      throw_error(ErrorKind::kValue, "hidden_size is {}, expected at least 1", hidden_.value());
    }
    columns_ = hidden_ * Dim(op_.gates());
    expect(kX, x);
    expect(kW, {directions_, columns_, x[2]});
    expect(kR, {directions_, columns_, hidden_});
    if (c_.has(kB)) expect(kB, {directions_, columns_ * Dim(2)});
    if (op_.peepholes) expect(kP, {directions_, hidden_ * Dim(3)});
    const Shape state =
        batch_first_ ? Shape{rows_, directions_, hidden_} : Shape{directions_, rows_, hidden_};
    for (const size_t i : {kH0, kC0}) {
      if (!c_.has(i)) continue;
      settle_rows(i);
      expect(i, state);
    }
    if (op_.lengths) expect(kLengths, {rows_}, DType::kI32);
    const DType dtype = c_.x(kX)->dtype();
    work_ = ir::size_of(dtype) == 2 ? DType::kF32 : dtype;
  }

  // A state of one batch says what the batch is.
  void settle_rows(size_t i) {
    const Value* state = c_.x(i);
    const Dim& rows = state->rank() == 3 ? state->shape()[batch_first_ ? 0 : 1] : rows_;
    if (!rows.is_constant()) return;
    c_.settle(rows_, rows.value(),
              fmt::format("{} is {}, the batch of {}", rows_.to_string(), rows.to_string(),
                          c_.input_text(i)));
  }

  void expect(size_t i, const Shape& shape) { expect(i, shape, c_.x(kX)->dtype()); }
  void expect(size_t i, const Shape& shape, DType dtype) {
    c_.require_dtype(i, dtype);
    given_[i] = c_.shaped(i, shape);
  }

  // Half precision is computed in float32.
  Value* input(size_t i) { return b_.cast(given_.at(i), work_); }

  // The inputs of all steps and directions times their weights, with the biases: (T, N, D*G*H).
  Value* products() {
    const Shape x = given_.at(kX)->shape();
    const Dim all = columns_ * Dim(directions_);
    Value* w = b_.reshape(b_.permute(input(kW), {2, 0, 1}), {x[2], all});
    Value* flat = b_.reshape(input(kX), {x[0] * x[1], x[2]});
    Value* sums = c_.graph().value(ir::Contract{.window = {}, .epilogue = {}}, {flat, w});
    if (c_.has(kB)) sums = b_.binary(ScalarOp::kAdd, sums, b_.reshape(bias(), {1, all}));
    sums = b_.reshape(sums, {x[0], x[1], all});
    return batch_first_ ? b_.permute(sums, {1, 0, 2}) : sums;
  }

  // (D, G*H): both biases, except one that is scaled in the cell.
  Value* bias() {
    Value* const of_x = b_.slice(input(kB), 1, 0, columns_);
    Value* const of_h = b_.slice(input(kB), 1, columns_, columns_);
    if (!op_.linear_before_reset) return b_.binary(ScalarOp::kAdd, of_x, of_h);
    const Dim two = hidden_ * Dim(2);
    Value* const both =
        b_.binary(ScalarOp::kAdd, b_.slice(of_x, 1, 0, two), b_.slice(of_h, 1, 0, two));
    return b_.concat({both, b_.slice(of_x, 1, two, hidden_)}, 1);
  }

  Values operands(Value* xw, int d) {
    Value* const r = b_.reshape(b_.slice(input(kR), 0, d, 1), {columns_, hidden_});
    Values values = {b_.slice(xw, 2, columns_ * Dim(d), columns_), b_.permute(r, {1, 0}),
                     initial(kH0, d)};
    if (op_.has_cell()) values.push_back(initial(kC0, d));
    if (op_.linear_before_reset) {
      const Dim last = columns_ * Dim(2) - hidden_;
      values.push_back(c_.has(kB) ? b_.slice(b_.slice(input(kB), 0, d, 1), 1, last, hidden_)
                                  : zeros(1));
    }
    if (op_.peepholes) {
      values.push_back(b_.reshape(b_.slice(input(kP), 0, d, 1), {3, hidden_}));
    }
    if (op_.lengths) values.push_back(given_.at(kLengths));
    return values;
  }

  // One direction's state before the first step: (N, H).
  Value* initial(size_t i, int d) {
    if (!c_.has(i)) return zeros(rows_);
    return b_.reshape(b_.slice(input(i), batch_first_ ? 1 : 0, d, 1), {rows_, hidden_});
  }

  Value* zeros(const Dim& rows) { return b_.broadcast_to(b_.scalar(0, work_), {rows, hidden_}); }

  // (T, N, H) of each direction -> (T, D, N, H), or (N, T, D, H)
  Value* sequence(const Values& directions) {
    Values parts;
    for (Value* y : directions) parts.push_back(b_.reshape(y, {steps_, 1, rows_, hidden_}));
    Value* y = b_.cast(b_.concat(parts, 1), c_.x(kX)->dtype());
    return batch_first_ ? b_.permute(y, {2, 0, 1, 3}) : y;
  }

  // (N, H) of each direction -> (D, N, H), or (N, D, H)
  Value* state(const Values& directions) {
    Values parts;
    for (Value* h : directions) parts.push_back(b_.reshape(h, {1, rows_, hidden_}));
    Value* h = b_.cast(b_.concat(parts, 0), c_.x(kX)->dtype());
    return batch_first_ ? b_.permute(h, {1, 0, 2}) : h;
  }

  LowerContext& c_;
  Builder& b_;
  Recurrence op_;
  bool reverse_ = false, batch_first_ = false;
  int directions_ = 1;
  Dim steps_, rows_, hidden_, columns_;  // T, N, H, G*H
  std::map<size_t, Value*> given_;       // inputs of the shapes they must have, by position
  DType work_ = DType::kF32;
};

// A row for the opsets without `layout` and one for those with it.
std::vector<OpDef> versions(const char* name, CellKind kind, int inputs, int outputs,
                            std::vector<AttributeDef> attributes) {
  for (const char* list : {"activation_alpha", "activation_beta"}) {
    attributes.push_back({list, AttributeType::kReals});
  }
  attributes.push_back({"activations", AttributeType::kTexts});
  attributes.push_back({"clip", AttributeType::kReal});
  attributes.push_back({"direction", AttributeType::kText, "forward"});
  attributes.push_back({"hidden_size", AttributeType::kInt});
  OpDef def{.name = name,
            .until = 13,
            .inputs = {3, inputs},
            .outputs = {0, outputs},
            .dtypes = kFloats,
            .attributes = std::move(attributes),
            .lower = [kind](LowerContext& c) { return RecurrentLowering(c, kind).run(); },
            .limits = "the hidden size must be known when the model is compiled"};
  OpDef later = def;
  later.since = 14;
  later.until = kMaxOpset;
  later.attributes.push_back({"layout", AttributeType::kInt, int64_t{0}});
  return {std::move(def), std::move(later)};
}

}  // namespace

std::span<const OpDef> recurrent_ops() {
  static const std::vector<OpDef> ops = [] {
    std::vector<OpDef> result;
    const auto add = [&](std::vector<OpDef> defs) {
      for (OpDef& def : defs) result.push_back(std::move(def));
    };
    add(versions("LSTM", CellKind::kLstm, 8, 3,
                 {{"input_forget", AttributeType::kInt, int64_t{0}}}));
    add(versions("GRU", CellKind::kGru, 6, 2,
                 {{"linear_before_reset", AttributeType::kInt, int64_t{0}}}));
    add(versions("RNN", CellKind::kRnn, 6, 2, {}));
    return result;
  }();
  return ops;
}

}  // namespace dovetail::ops
