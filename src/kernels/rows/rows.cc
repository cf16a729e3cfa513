#include "kernels/rows/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "base/error.h"
#include "kernels/rows/axes.h"
#include "kernels/rows/body.h"
#include "kernels/scalar/scalar_code.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using ir::DType;
using loop::Builder;
using loop::Opcode;
using loop::Value;
using loop::Var;
using rows::Axis;
using rows::Body;
using rows::BodyValue;
using rows::LoopNest;

constexpr int64_t kChunkElements = 16384;  // about 20 us of simple work

DType accumulator_dtype(DType dtype) {
  return dtype == DType::kF16 || dtype == DType::kBF16 ? DType::kF32 : dtype;
}

class RowsKernel {
 public:
  explicit RowsKernel(const Request& request)
      : request_(request),
        body_(rows::body_of(*request.node)),
        nest_(rows::loop_nest(request, body_)),
        num_tensors_(request.operands.size() + request.results.size()),
        lanes_(nest_.contiguous ? choose_lanes() : 1),
        b_(name(), loop::Convention::kTask) {}

  Call make() {
    declare_parameters();
    const Value first = b_.chunk() * rows_per_chunk_;
    const Value last = min(first + rows_per_chunk_, num_rows_);
    if (split_vector_axis()) {
      // One row only: chunks are blocks of it.
      row({}, first, last);
    } else {
      b_.for_each("row", first, last, 1, [&](const Value& index) {
        row(outer_indices(index), b_.constant(int64_t{0}), extent_);
      });
    }
    call_.function = b_.finish();
    call_.function.strict = request_.strict;
    call_.function.llvm_cpu = request_.level->llvm_cpu;
    call_.function.llvm_features = request_.level->llvm_features;
    return std::move(call_);
  }

 private:
  // Where the values of the moment are computed.
  struct Position {
    Value vector_index;          // first element along the vector axis
    std::optional<Value> count;  // lanes that exist, when not all do
    std::vector<Value> reduced;  // indices of the inner loops
  };
  using Memo = std::map<int, Value>;

  bool vector_is_reduced() const { return nest_.vector.reduced; }
  bool split_vector_axis() const { return nest_.kept.empty() && !vector_is_reduced(); }
  int num_operands() const { return static_cast<int>(request_.operands.size()); }

  std::string name() const {
    static constexpr std::string_view kReduce[] = {"sum", "product", "min", "max"};
    std::string text;
    for (const BodyValue& value : body_.values) {
      std::string part;
      if (value.kind == BodyValue::Kind::kReduce) part = kReduce[static_cast<int>(value.reduce)];
      if (value.kind == BodyValue::Kind::kElementwise) {
        part = value.expr.nodes.back().op == ir::ScalarOp::kOperand
                   ? "copy"
                   : ir::name_of(value.expr.nodes.back().op);
      }
      if (!part.empty()) text += (text.empty() ? "" : "_") + part;
    }
    return text.size() > 48 ? text.substr(0, 48) : text;
  }

  int choose_lanes() const {
    int widest = 1;
    const auto take = [&](DType dtype) {
      widest = std::max(widest, ir::size_of(accumulator_dtype(dtype)));
    };
    for (const BodyValue& value : body_.values) {
      take(value.dtype);
      for (const ir::ScalarNode& node : value.expr.nodes) take(node.dtype);
    }
    return request_.level->vector_bytes / widest;
  }

  Value int_parameter(const std::string& name, const Dim& value) {
    call_.arguments.push_back(Argument::integer(value));
    return b_.int_parameter(name);
  }

  DType dtype_of_tensor(int t) const {
    return t < num_operands() ? request_.operands[t].dtype
                              : request_.results[t - num_operands()].dtype;
  }

  // Byte strides; constants 0 and, along the vector axis, 1 element are part of the code.
  std::vector<Value> stride_parameters(const Axis& axis, const std::string& name) {
    std::vector<Value> strides(num_tensors_);
    for (size_t t = 0; t < num_tensors_; ++t) {
      if (axis.strides[t] == Dim(0)) continue;
      strides[t] =
          int_parameter(fmt::format("{}_stride_{}", name, t),
                        axis.strides[t] * ir::size_of(dtype_of_tensor(static_cast<int>(t))));
    }
    return strides;
  }

  void declare_parameters() {
    for (size_t t = 0; t < num_tensors_; ++t) {
      pointers_.push_back(b_.pointer_parameter(
          fmt::format("{}{}", static_cast<int>(t) < num_operands() ? "in" : "out", t)));
      call_.arguments.push_back(Argument::pointer(static_cast<int>(t)));
    }
    Dim rows = 1;
    Dim row_elements = 1;
    for (size_t i = 0; i < nest_.kept.size(); ++i) {
      kept_extents_.push_back(int_parameter(fmt::format("kept{}", i), nest_.kept[i].extent));
      kept_strides_.push_back(stride_parameters(nest_.kept[i], fmt::format("kept{}", i)));
      rows *= nest_.kept[i].extent;
    }
    for (size_t i = 0; i < nest_.reduced.size(); ++i) {
      reduced_extents_.push_back(
          int_parameter(fmt::format("reduced{}", i), nest_.reduced[i].extent));
      reduced_strides_.push_back(stride_parameters(nest_.reduced[i], fmt::format("reduced{}", i)));
      row_elements *= nest_.reduced[i].extent;
    }
    extent_ = int_parameter("extent", nest_.vector.extent);
    if (lanes_ == 1) vector_strides_ = stride_parameters(nest_.vector, "vector");
    Dim per_chunk;
    if (split_vector_axis()) {
      rows = nest_.vector.extent;
      per_chunk = max(Dim(1), floordiv(Dim(kChunkElements), max(row_elements, Dim(1))));
      per_chunk = ceildiv(per_chunk, 64) * 64;
    } else {
      row_elements *= nest_.vector.extent;
      per_chunk = max(Dim(1), floordiv(Dim(kChunkElements), max(row_elements, Dim(1))));
    }
    num_rows_ = int_parameter("rows", rows);
    rows_per_chunk_ = int_parameter("rows_per_chunk", per_chunk);
    call_.chunks = ceildiv(rows, per_chunk);
  }

  std::vector<Value> outer_indices(const Value& row) {
    std::vector<Value> indices(nest_.kept.size());
    Value rest = row;
    for (size_t i = nest_.kept.size(); i-- > 0;) {
      indices[i] = i == 0 ? rest : rest % kept_extents_[i];
      if (i > 0) rest = rest / kept_extents_[i];
    }
    return indices;
  }

  // Adds index * stride for every tensor that has one.
  void advance(std::vector<Value>* offsets, const std::vector<Value>& strides, const Value& index) {
    for (size_t t = 0; t < num_tensors_; ++t) {
      if (strides[t].valid()) (*offsets)[t] = (*offsets)[t] + index * strides[t];
    }
  }

  void row(const std::vector<Value>& kept, const Value& begin, const Value& end) {
    std::vector<Value> offsets(num_tensors_, b_.constant(int64_t{0}));
    for (size_t i = 0; i < kept.size(); ++i) advance(&offsets, kept_strides_[i], kept[i]);
    row_offsets_ = std::move(offsets);
    if (vector_is_reduced()) {
      position({b_.constant(int64_t{0}), std::nullopt, {}});
    } else {
      blocks(begin, end, [&](const Value& index, const std::optional<Value>& count) {
        position({index, count, {}});
      });
    }
  }

  // Full vectors, then what is left.
  void blocks(const Value& begin, const Value& end,
              const std::function<void(const Value&, const std::optional<Value>&)>& body) {
    if (lanes_ == 1) {
      b_.for_each("element", begin, end, 1, [&](const Value& index) { body(index, std::nullopt); });
      return;
    }
    const Value full = begin + (end - begin) / lanes_ * lanes_;
    b_.for_each("block", begin, full, lanes_,
                [&](const Value& index) { body(index, std::nullopt); });
    b_.if_(full < end, [&] { body(full, end - full); });
  }

  // Everything of one kept position (of `lanes` of them when vectors run along a kept axis).
  void position(const Position& kept) {
    Memo known;  // values that do not vary along the reduced axes
    for (int pass = 0; pass <= body_.max_depth; ++pass) {
      std::vector<int> reduces;
      std::vector<int> outputs;
      for (size_t v = 0; v < body_.values.size(); ++v) {
        if (body_.values[v].kind == BodyValue::Kind::kReduce && body_.values[v].depth == pass + 1)
          reduces.push_back(static_cast<int>(v));
      }
      for (size_t k = 0; k < body_.outputs.size(); ++k) {
        const BodyValue& value = body_.values[body_.outputs[k]];
        if (value.depth == pass && value.varies) outputs.push_back(static_cast<int>(k));
        if (value.depth == pass && !value.varies) store_kept(static_cast<int>(k), kept, &known);
      }
      if (!reduces.empty() || !outputs.empty()) run_pass(reduces, outputs, kept, &known);
    }
  }

  int kept_lanes() const { return vector_is_reduced() ? 1 : lanes_; }

  void run_pass(const std::vector<int>& reduces, const std::vector<int>& outputs,
                const Position& kept, Memo* known) {
    // What does not vary is computed before the loops.
    for (size_t v = 0; v < body_.values.size(); ++v) {
      if (needs(static_cast<int>(v), reduces, outputs))
        value(static_cast<int>(v), kept, known, known);
    }
    std::vector<Var> accumulators;
    for (const int r : reduces) accumulators.push_back(b_.var("acc", identity(body_.values[r])));
    const auto body = [&](const Position& at) {
      Memo varying;
      for (size_t i = 0; i < reduces.size(); ++i)
        accumulate(reduces[i], accumulators[i], at, known, &varying);
      for (const int k : outputs) store(k, at, value(body_.outputs[k], at, known, &varying));
    };
    inner_loops(0, kept, body);
    for (size_t i = 0; i < reduces.size(); ++i)
      (*known)[reduces[i]] = finish(body_.values[reduces[i]], accumulators[i]);
  }

  // Whether a value that stays the same in the pass's loops is used in them.
  bool needs(int v, const std::vector<int>& reduces, const std::vector<int>& outputs) const {
    if (body_.values[v].varies || body_.values[v].kind == BodyValue::Kind::kReduce) return false;
    std::vector<int> stack;
    for (const int r : reduces) stack.push_back(body_.values[r].arguments[0]);
    for (const int k : outputs) stack.push_back(body_.outputs[k]);
    while (!stack.empty()) {
      const int at = stack.back();
      stack.pop_back();
      if (at == v) return true;
      if (body_.values[at].varies)
        stack.insert(stack.end(), body_.values[at].arguments.begin(),
                     body_.values[at].arguments.end());
    }
    return false;
  }

  void inner_loops(size_t depth, const Position& at,
                   const std::function<void(const Position&)>& body) {
    if (depth < nest_.reduced.size()) {
      b_.for_each(fmt::format("r{}", depth), b_.constant(int64_t{0}), reduced_extents_[depth], 1,
                  [&](const Value& index) {
                    Position inner = at;
                    inner.reduced.push_back(index);
                    inner_loops(depth + 1, inner, body);
                  });
    } else if (vector_is_reduced()) {
      blocks(b_.constant(int64_t{0}), extent_,
             [&](const Value& index, const std::optional<Value>& count) {
               Position inner = at;
               inner.vector_index = index;
               inner.count = count;
               body(inner);
             });
    } else {
      body(at);
    }
  }

  Value identity(const BodyValue& value) {
    const loop::Type type{accumulator_dtype(value.dtype), lanes_, false};
    switch (value.reduce) {
      case ir::ReduceKind::kSum:
        return b_.constant(int64_t{0}, type);
      case ir::ReduceKind::kProduct:
        return b_.constant(int64_t{1}, type);
      default:
        return extreme(type, value.reduce == ir::ReduceKind::kMin);
    }
  }

  Value extreme(const loop::Type& type, bool largest) {
    if (ir::is_float(type.dtype)) {
      const double infinity = std::numeric_limits<double>::infinity();
      return b_.constant(largest ? infinity : -infinity, type);
    }
    const int bits = 8 * ir::size_of(type.dtype);
    if (ir::is_signed_int(type.dtype)) {
      const int64_t low = static_cast<int64_t>(~uint64_t{0} << (bits - 1));
      return b_.constant(largest ? ~low : low, type);
    }
    const uint64_t high = type.dtype == DType::kBool ? 1 : ~uint64_t{0} >> (64 - bits);
    return b_.constant(largest ? static_cast<int64_t>(high) : int64_t{0}, type);
  }

  void accumulate(int r, const Var& accumulator, const Position& at, Memo* known, Memo* varying) {
    const BodyValue& reduce = body_.values[r];
    Value x = widen(value(reduce.arguments[0], at, known, varying), lanes_);
    x = b_.cast(x, accumulator_dtype(reduce.dtype));
    if (at.count && vector_is_reduced()) x = b_.select(lane_mask(*at.count), x, identity(reduce));
    accumulator.set(combine(reduce.reduce, accumulator.get(), x));
  }

  Value combine(ir::ReduceKind kind, const Value& a, const Value& x) {
    if (kind == ir::ReduceKind::kSum) return a + x;
    if (kind == ir::ReduceKind::kProduct) return a * x;
    const Value extreme = kind == ir::ReduceKind::kMin ? min(a, x) : max(a, x);
    // The loop operation gives x when either is NaN: a NaN already there has to stay.
    return ir::is_float(a.dtype()) ? b_.select(a == a, extreme, a) : extreme;
  }

  Value finish(const BodyValue& reduce, const Var& accumulator) {
    Value total = accumulator.get();
    if (vector_is_reduced()) {
      if (reduce.reduce == ir::ReduceKind::kSum) {
        total = b_.reduce(Opcode::kReduceAdd, total);
      } else {
        Value folded = b_.extract(total, 0);
        for (int lane = 1; lane < lanes_; ++lane)
          folded = combine(reduce.reduce, folded, b_.extract(total, lane));
        total = folded;
      }
    }
    return b_.cast(total, reduce.dtype);
  }

  Value lane_mask(const Value& count) {
    const loop::Type type{DType::kI32, lanes_, false};
    return b_.iota(type) < b_.broadcast(b_.cast(count, DType::kI32), lanes_);
  }

  Value widen(const Value& value, int lanes) { return b_.broadcast(value, lanes); }

  // A value at a position; what does not vary comes from `known`, the rest is kept in `memo`.
  Value value(int v, const Position& at, Memo* known, Memo* memo) {
    const BodyValue& wanted = body_.values[v];
    Memo* home = wanted.varies ? memo : known;
    if (const auto found = home->find(v); found != home->end()) return found->second;
    const int lanes = wanted.varies ? lanes_ : kept_lanes();
    Value result;
    if (wanted.kind == BodyValue::Kind::kOperand) {
      result = load(wanted, at, lanes);
    } else {
      DOVETAIL_CHECK(wanted.kind == BodyValue::Kind::kElementwise,
                     "a reduction is used before it is finished");
      std::vector<Value> arguments;
      for (const int argument : wanted.arguments)
        arguments.push_back(widen(value(argument, at, known, memo), lanes));
      result = emit_scalar(b_, wanted.expr, arguments, lanes);
    }
    home->emplace(v, result);
    return result;
  }

  Value offset_of(int t, const Position& at) {
    Value offset = row_offsets_[t];
    for (size_t i = 0; i < at.reduced.size(); ++i) {
      if (reduced_strides_[i][t].valid()) offset = offset + at.reduced[i] * reduced_strides_[i][t];
    }
    return offset;
  }

  bool repeats_along_vector(int t) const { return nest_.vector.strides[t] == Dim(0); }

  Value load(const BodyValue& operand, const Position& at, int lanes) {
    const int t = operand.operand;
    Value offset = offset_of(t, at);
    const loop::Type element = loop::scalar(operand.dtype);
    if (repeats_along_vector(t) || (vector_is_reduced() && !operand.varies)) {
      return widen(b_.load(element, pointers_[t], offset), lanes);
    }
    offset = offset + along_vector(t, at);
    const loop::Type type{operand.dtype, lanes, false};
    return at.count && lanes > 1 ? b_.load_masked(type, pointers_[t], offset, *at.count)
                                 : b_.load(type, pointers_[t], offset);
  }

  Value along_vector(int t, const Position& at) {
    if (lanes_ == 1)
      return vector_strides_[t].valid() ? at.vector_index * vector_strides_[t]
                                        : b_.constant(int64_t{0});
    return b_.element(at.vector_index, dtype_of_tensor(t));
  }

  void store(int k, const Position& at, const Value& result) {
    const int t = num_operands() + k;
    const Value value = widen(result, lanes_);
    const Value offset = offset_of(t, at) + along_vector(t, at);
    if (at.count) {
      b_.store_masked(value, pointers_[t], offset, *at.count);
    } else {
      b_.store(value, pointers_[t], offset);
    }
  }

  void store_kept(int k, const Position& kept, Memo* known) {
    const Value result = value(body_.outputs[k], kept, known, known);
    if (!vector_is_reduced()) {
      store(k, kept, result);
    } else {
      b_.store(result, pointers_[num_operands() + k], row_offsets_[num_operands() + k]);
    }
  }

  const Request& request_;
  Body body_;
  LoopNest nest_;
  size_t num_tensors_;
  int lanes_;
  Builder b_;
  Call call_;
  std::vector<Value> pointers_, kept_extents_, reduced_extents_, vector_strides_, row_offsets_;
  std::vector<std::vector<Value>> kept_strides_, reduced_strides_;
  Value extent_, num_rows_, rows_per_chunk_;
};

}  // namespace

Call rows_call(const Request& request) { return RowsKernel(request).make(); }

}  // namespace dovetail::kernels
