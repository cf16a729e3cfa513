#include "kernels/rnn/recurrence.h"

#include <fmt/format.h>

#include "kernels/rnn/step_code.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using ir::Recurrence;
using loop::Value;

class RecurrenceCode {
 public:
  explicit RecurrenceCode(const Request& request)
      : request_(request),
        layer_(request),
        op_(layer_.op),
        writer_(name(), request),
        code_(writer_.code()),
        step_code_(code_, layer_) {}

  Call emit() {
    declare();
    move_to_chunk();
    each_row([&](const Value& row) {
      to_state(h0_, row, buffer(0));
      if (op_.has_cell()) to_state(c0_, row, buffer(2));
    });
    code_.for_each("step", code_.constant(int64_t{0}), steps_, 1,
                   [&](const Value& step) { step_code_.run(state_of(step), count_); });
    each_row([&](const Value& row) {
      const Value any = takes_steps(row);
      from_state(buffer_of(steps_), row, any, h_);
      if (op_.has_cell()) from_state(buffer(2), row, any, c_);
    });
    return writer_.finish(ir::ceildiv(layer_.rows, layer_.chunk_rows()));
  }

 private:
  std::string name() const {
    static constexpr std::string_view kNames[] = {"rnn", "gru", "lstm"};
    return fmt::format("{}{}_{}x{}", kNames[static_cast<int>(op_.kind)],
                       op_.reverse ? "_reverse" : "", layer_.tiles[0], layer_.unit_width());
  }

  int result(int which) const { return op_.operand_count() + which; }

  const Layout& layout(int tensor) const {
    return tensor < op_.operand_count() ? request_.operands[tensor]
                                        : request_.results[tensor - op_.operand_count()];
  }

  // A tensor whose axis `axis` is the batch; the axis in front of it, if any, the time.
  Rows rows_of(const std::string& name, int tensor, int axis) {
    const Layout& at = layout(tensor);
    const auto bytes = [&](int i) { return at.strides[i] * Dim(ir::size_of(at.dtype)); };
    Rows rows{.at = writer_.pointer(name, tensor),
              .row_step = writer_.integer(name + "_row", bytes(axis))};
    if (axis == 1) rows.time_step = writer_.integer(name + "_time", bytes(0));
    return rows;
  }

  void declare() {
    memory_.xw = rows_of("xw", Recurrence::kInputs, 1);
    memory_.weights = writer_.pointer("weights", Recurrence::kWeights);
    h0_ = rows_of("h0", Recurrence::kHidden, 0);
    if (op_.has_cell()) c0_ = rows_of("c0", Recurrence::kCell, 0);
    if (op_.linear_before_reset) memory_.bias = writer_.pointer("bias", Recurrence::kBias);
    if (op_.peepholes) memory_.peepholes = writer_.pointer("peepholes", Recurrence::kPeepholes);
    if (op_.lengths) memory_.lengths = rows_of("lengths", op_.lengths_at(), 0);
    memory_.y = rows_of("y", result(0), 1);
    h_ = rows_of("h", result(1), 0);
    if (op_.has_cell()) c_ = rows_of("c", result(2), 0);
    steps_ = writer_.integer("steps", layer_.steps);
    rows_ = writer_.integer("rows", layer_.rows);
    memory_.hidden = writer_.integer("hidden", layer_.hidden);
    chunk_rows_ = writer_.integer("chunk_rows", layer_.chunk_rows());
    scratch_ = writer_.scratch(layer_.scratch_bytes());
    scratch_bytes_ = writer_.integer("scratch_bytes", layer_.scratch_bytes());
    const int64_t row_of_weights = int64_t{op_.gates()} * op_.panel * layer_.size();
    memory_.panel_bytes = memory_.hidden * row_of_weights;
  }

  void move_to_chunk() {
    const Value first = code_.chunk() * chunk_rows_;
    count_ = min(chunk_rows_, rows_ - first);
    for (Rows* rows : {&memory_.xw, &memory_.y, &memory_.lengths, &h0_, &c0_, &h_, &c_}) {
      if (rows->at.valid()) rows->at = code_.address(rows->at, first * rows->row_step);
    }
    buffer_bytes_ = chunk_rows_ * row_bytes();
    state_ = code_.address(scratch_, code_.worker() * scratch_bytes_);
    memory_.sums = buffer(layer_.state_buffers());
    step_code_.set_memory(memory_);
  }

  int64_t row_bytes() const { return layer_.state_row() * layer_.size(); }
  Value buffer(int64_t index) const { return code_.address(state_, buffer_bytes_ * index); }
  // The hidden state before a step; the two buffers take turns.
  Value buffer_of(const Value& step) const {
    return code_.address(state_, step % int64_t{2} * buffer_bytes_);
  }

  StepState state_of(const Value& step) const {
    StepState state;
    state.time = op_.reverse ? steps_ - 1 - step : step;
    state.before = buffer_of(step);
    state.after = buffer_of(step + 1);
    for (int i = 2; i < layer_.state_buffers(); ++i) state.extra.push_back(buffer(i));
    return state;
  }

  void each_row(const std::function<void(const Value&)>& body) {
    code_.for_each("row", code_.constant(int64_t{0}), count_, 1, body);
  }

  // Lanes past the last unit become 0: they take part in the arithmetic.
  void to_state(const Rows& from, const Value& row, const Value& buffer) {
    const Value source = code_.address(from.at, row * from.row_step);
    each_vector([&](const loop::Type& type, const Value& offset, const Value& count) {
      const Value value = count.valid() ? code_.load_masked(type, source, offset, count)
                                        : code_.load(type, source, offset);
      code_.store(value, code_.address(buffer, row * row_bytes()), offset);
    });
  }

  // Whether there are any, in every lane.
  Value takes_steps(const Value& row) const {
    Value count = steps_;
    if (op_.lengths) {
      const Value length = code_.load(loop::scalar(ir::DType::kI32), memory_.lengths.at,
                                      row * memory_.lengths.row_step);
      count = min(count, code_.cast(length, ir::DType::kI64));
    }
    return code_.broadcast(count > 0, layer_.lanes);
  }

  void from_state(const Value& buffer, const Value& row, const Value& any, const Rows& to) {
    const Value target = code_.address(to.at, row * to.row_step);
    each_vector([&](const loop::Type& type, const Value& offset, const Value& count) {
      const Value last = code_.load(type, code_.address(buffer, row * row_bytes()), offset);
      const Value value = code_.select(any, last, code_.constant(int64_t{0}, type));
      if (count.valid()) {
        code_.store_masked(value, target, offset, count);
      } else {
        code_.store(value, target, offset);
      }
    });
  }

  // body(type, byte offset, lanes of the last vector when it is not whole)
  void each_vector(const std::function<void(const loop::Type&, const Value&, const Value&)>& body) {
    const int lanes = layer_.lanes;
    const loop::Type type = loop::vector(layer_.dtype, lanes);
    const Value whole = memory_.hidden / int64_t{lanes} * int64_t{lanes};
    code_.for_each("unit", code_.constant(int64_t{0}), whole, lanes,
                   [&](const Value& unit) { body(type, code_.element(unit, layer_.dtype), {}); });
    if (layer_.hidden % lanes == 0) return;
    body(type, code_.element(whole, layer_.dtype), memory_.hidden - whole);
  }

  const Request& request_;
  Layer layer_;
  const Recurrence& op_;
  TaskWriter writer_;
  loop::Builder& code_;
  StepCode step_code_;
  LayerMemory memory_;
  Rows h0_, c0_, h_, c_;
  Value steps_, rows_, chunk_rows_, scratch_, scratch_bytes_;
  Value count_, state_, buffer_bytes_;  // of the chunk
};

bool is_compact(const Layout& layout) {
  const std::vector<Dim> compact = ir::compact_strides(layout.shape);
  for (size_t i = 0; i < compact.size(); ++i) {
    if (layout.shape[i] != Dim(1) && layout.strides[i] != compact[i]) return false;
  }
  return true;
}

}  // namespace

Call recurrence_call(const Request& request) { return RecurrenceCode(request).emit(); }

bool recurrence_accepts(const ir::Node& node, int operand, const Layout& layout) {
  const auto& op = *node.as<Recurrence>();
  if (op.lengths && operand == op.lengths_at()) return true;
  const bool row_wise = operand == Recurrence::kInputs || operand == Recurrence::kHidden ||
                        (op.has_cell() && operand == Recurrence::kCell);
  if (!row_wise) return is_compact(layout);
  return layout.strides.back() == Dim(1) || layout.shape.back() == Dim(1);
}

}  // namespace dovetail::kernels
