#include "kernels/order/extreme.h"

#include <algorithm>

#include "kernels/order/lines.h"
#include "kernels/order/precedence.h"
#include "kernels/scalar/reduction.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using ir::DType;
using loop::Opcode;
using loop::Value;
using loop::Var;
using order::Line;

// Searches of a contiguous line at the same time: enough to hide the latency of the comparisons.
constexpr int kPartials = 4;

class ExtremeKernel {
 public:
  explicit ExtremeKernel(const Request& request)
      : op_(*request.node->as<ir::TopK>()),
        x_(request.operands[0]),
        extent_dim_(x_.shape[op_.axis]),
        dtype_(accumulator_dtype(x_.dtype)),
        // 32 bits hold every position unless the axis may be longer.
        index_dtype_(extent_dim_.bounds(request.symbols).max <= INT32_MAX ? DType::kI32
                                                                          : DType::kI64),
        lanes_(request.level->vector_bytes / std::max(4, ir::size_of(dtype_))),
        along_line_(x_.strides[op_.axis] == Dim(1)),
        writer_(name(), request),
        b_(writer_.code()),
        lines_(request, op_.axis, along_line_ ? 1 : lanes_) {}

  Call make() {
    lines_.declare(writer_, extent_dim_);
    extent_ = writer_.integer("extent", extent_dim_);
    lines_.each(writer_, [&](const Line& line) {
      b_.if_(
          extent_ > b_.constant(int64_t{0}), [&] { search(line); },
          [&] {
            store(line, b_.constant(int64_t{0}, loop::vector(dtype_, lines_.lanes())),
                  b_.constant(int64_t{-1}, loop::vector(index_dtype_, lines_.lanes())));
          });
    });
    return writer_.finish(lines_.chunks());
  }

 private:
  struct Best {
    Var value, index;
  };

  std::string name() const {
    std::string text = op_.largest ? "argmax" : "argmin";
    if (op_.last) text += "_last";
    return text + (along_line_ ? "_line" : "");
  }

  Best best(const Value& value, const Value& index) {
    return {b_.var("value", value), b_.var("index", index)};
  }

  Value position(const Value& i, int lanes) {
    return b_.broadcast(b_.cast(i, index_dtype_), lanes);
  }

  // Elements in the order of their indices: a later one replaces an equal one only for `last`.
  void offer(const Best& best, const Value& x, const Value& index) {
    const Value now = best.value.get();
    const Value takes =
        op_.last ? b_.unary(Opcode::kNot, order::strictly_before(b_, now, x, op_.largest))
                 : order::strictly_before(b_, x, now, op_.largest);
    best.value.set(b_.select(takes, x, now));
    best.index.set(b_.select(takes, index, best.index.get()));
  }

  // In any order.
  void merge(const Best& best, const Value& x, const Value& index) {
    const Value now = best.value.get();
    const Value before = order::strictly_before(b_, x, now, op_.largest);
    const Value behind = order::strictly_before(b_, now, x, op_.largest);
    const Value wins = op_.last ? index > best.index.get() : index < best.index.get();
    const Value takes = b_.binary(Opcode::kOr, before,
                                  b_.binary(Opcode::kAnd, b_.unary(Opcode::kNot, behind), wins));
    best.value.set(b_.select(takes, x, now));
    best.index.set(b_.select(takes, index, best.index.get()));
  }

  void search(const Line& line) {
    const int lanes = lines_.lanes();
    const Best found = best(load(line, b_.constant(int64_t{0})),
                            b_.constant(int64_t{0}, loop::vector(index_dtype_, lanes)));
    const auto one_by_one = [&] {
      b_.for_each("i", b_.constant(int64_t{1}), extent_, 1,
                  [&](const Value& i) { offer(found, load(line, i), position(i, lanes)); });
    };
    if (along_line_) {
      b_.if_(extent_ >= lanes_, [&] { search_vectors(line, found); }, one_by_one);
    } else {
      one_by_one();
    }
    store(line, found.value.get(), found.index.get());
  }

  Value load(const Line& line, const Value& i) {
    return b_.cast(lines_.load(b_, 0, line.offsets[0] + i * lines_.stride(0), line), dtype_);
  }

  void store(const Line& line, const Value& value, const Value& index) {
    lines_.store(b_, 1, line.offsets[1], b_.cast(value, x_.dtype), line);
    lines_.store(b_, 2, line.offsets[2], b_.cast(index, DType::kI64), line);
  }

  // At least one vector of a contiguous line; the last one may overlap the one before it.
  void search_vectors(const Line& line, const Best& found) {
    std::vector<Best> parts(kPartials);
    for (Best& part : parts)
      part = best(b_.broadcast(found.value.get(), lanes_), b_.broadcast(found.index.get(), lanes_));
    const Value iota = b_.iota(loop::vector(index_dtype_, lanes_));
    const auto offer_at = [&](const Best& part, const Value& i) {
      const Value x = b_.load(loop::vector(x_.dtype, lanes_), lines_.pointer(0),
                              line.offsets[0] + b_.element(i, x_.dtype));
      offer(part, b_.cast(x, dtype_), position(i, lanes_) + iota);
    };
    const int64_t wide = int64_t{kPartials} * lanes_;
    const Value whole = extent_ / wide * wide;
    b_.for_each("block", b_.constant(int64_t{0}), whole, wide, [&](const Value& i) {
      for (int p = 0; p < kPartials; ++p) offer_at(parts[p], i + int64_t{p} * lanes_);
    });
    const Value full = extent_ / lanes_ * lanes_;
    b_.for_each("vector", whole, full, lanes_, [&](const Value& i) { offer_at(parts[0], i); });
    b_.if_(full < extent_, [&] { offer_at(parts[1], extent_ - lanes_); });
    for (int p = 1; p < kPartials; ++p) merge(parts[0], parts[p].value.get(), parts[p].index.get());
    merge_lanes(parts[0], found);
  }

  // The best of all lanes, halves first.
  void merge_lanes(const Best& part, const Best& found) {
    Value value = part.value.get();
    Value index = part.index.get();
    while (value.lanes() > 1) {
      const int half = value.lanes() / 2;
      const auto halves = [&](const Value& v, int first) {
        if (half == 1) return b_.extract(v, first);
        std::vector<int32_t> lanes(half);
        for (int i = 0; i < half; ++i) lanes[i] = first + i;
        return b_.shuffle(v, v, lanes);
      };
      const Best low = best(halves(value, 0), halves(index, 0));
      merge(low, halves(value, half), halves(index, half));
      value = low.value.get();
      index = low.index.get();
    }
    found.value.set(value);
    found.index.set(index);
  }

  const ir::TopK& op_;
  const Layout& x_;
  const Dim& extent_dim_;
  DType dtype_;
  DType index_dtype_;
  int lanes_;
  bool along_line_;
  TaskWriter writer_;
  loop::Builder& b_;
  order::Lines lines_;
  Value extent_;
};

}  // namespace

Call extreme_call(const Request& request) { return ExtremeKernel(request).make(); }

}  // namespace dovetail::kernels
