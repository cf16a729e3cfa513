#include "kernels/order/top_k.h"

#include <algorithm>
#include <functional>

#include "kernels/order/lines.h"
#include "kernels/order/precedence.h"
#include "kernels/order/sort.h"
#include "kernels/scalar/reduction.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using ir::DType;
using loop::Opcode;
using loop::Value;
using loop::Var;
using order::Line;

// Vectors of keys that one step takes.
constexpr int64_t kVectors = 4;
// Bits of a guess.
constexpr int kGuessed = 16;

class TopKKernel {
 public:
  explicit TopKKernel(const Request& request)
      : op_(*request.node->as<ir::TopK>()),
        x_(request.operands[0]),
        extent_dim_(x_.shape[op_.axis]),
        key_(order::key_of(x_.dtype, op_.largest)),
        lanes_(request.level->vector_bytes / ir::size_of(key_.dtype)),
        selects_(op_.k != extent_dim_),
        guesses_(selects_ && op_.k.is_constant() && op_.k.value() <= kVectors * lanes_),
        by_vectors_(x_.strides[op_.axis] == Dim(1) && !op_.last),
        writer_(name(), request),
        b_(writer_.code()),
        lines_(request, op_.axis, 1),
        capacity_(guesses_ ? op_.k * 4 + Dim(kVectors * lanes_) : op_.k),
        pairs_(key_.dtype, lanes_, capacity_) {}

  Call make() {
    const int64_t step = kVectors * lanes_;
    const Dim padded = ceildiv(extent_dim_, step) * step;
    const Dim key_bytes = selects_ ? padded * ir::size_of(key_.dtype) : Dim(0);
    lines_.declare(writer_, extent_dim_ * (selects_ ? 4 : 16));
    extent_ = writer_.integer("extent", extent_dim_);
    k_ = writer_.integer("k", op_.k);
    padded_ = writer_.integer("padded", padded);
    most_ = writer_.integer("capacity", capacity_);
    key_bytes_ = writer_.integer("key_bytes", ceildiv(key_bytes, 64) * 64);
    pairs_.declare(writer_);
    const Dim scratch = ceildiv(key_bytes, 64) * 64 + pairs_.bytes();
    const Value all_scratch = writer_.scratch(scratch);
    const Value own = writer_.integer("scratch_bytes", scratch);
    scratch_ = b_.address(all_scratch, b_.worker() * own);
    pairs_.enter(scratch_, key_bytes_);
    lines_.each(writer_, [&](const Line& line) { emit(line); });
    return writer_.finish(lines_.chunks());
  }

 private:
  std::string name() const {
    std::string text = selects_ ? "topk" : "sort";
    text += op_.largest ? "_largest" : "_smallest";
    return op_.last ? text + "_last" : text;
  }

  Value zero() { return b_.constant(int64_t{0}); }

  void emit(const Line& line) {
    const Value count = min(k_, extent_);
    Value collected = extent_;
    if (selects_) {
      write_keys(line);
      collected = collect(count);
    } else {
      b_.for_each("i", zero(), extent_, 1,
                  [&](const Value& i) { pairs_.set(zero(), i, key(line, i), i); });
    }
    const Value sorted = pairs_.sort(collected);
    b_.for_each("result", zero(), count, 1, [&](const Value& i) {
      const Value index = element(pairs_.index(sorted, i));
      store(line, i, b_.load(loop::scalar(x_.dtype), lines_.pointer(0), offset(line, index)),
            index);
    });
    b_.for_each("missing", count, k_, 1, [&](const Value& i) {
      store(line, i, b_.constant(int64_t{0}, loop::scalar(x_.dtype)), b_.constant(int64_t{-1}));
    });
  }

  // Equal elements come in the order of i: `last` counts from the end of the line.
  Value element(const Value& i) { return op_.last ? extent_ - 1 - i : i; }
  Value offset(const Line& line, const Value& index) {
    return line.offsets[0] + index * lines_.stride(0);
  }

  Value key(const Line& line, const Value& i) {
    const Value x = b_.load(loop::scalar(x_.dtype), lines_.pointer(0), offset(line, element(i)));
    return order::key_code(b_, x, op_.largest);
  }

  void store(const Line& line, const Value& i, const Value& value, const Value& index) {
    b_.store(value, lines_.pointer(1), line.offsets[1] + i * lines_.stride(1));
    b_.store(index, lines_.pointer(2), line.offsets[2] + i * lines_.stride(2));
  }

  Value key_at(const Value& i) { return b_.element(i, key_.dtype); }
  Value keys_at(const Value& i) {
    return b_.load(loop::vector(key_.dtype, lanes_), scratch_, key_at(i));
  }

  // Behind the line come keys that nothing is below.
  void write_keys(const Line& line) {
    Value done = zero();
    if (by_vectors_) {
      done = extent_ / lanes_ * lanes_;
      b_.for_each("keys", zero(), done, lanes_, [&](const Value& i) {
        const Value x = b_.load(loop::vector(x_.dtype, lanes_), lines_.pointer(0),
                                line.offsets[0] + b_.element(i, x_.dtype));
        b_.store(order::key_code(b_, x, op_.largest), scratch_, key_at(i));
      });
    }
    b_.for_each("key", done, extent_, 1,
                [&](const Value& i) { b_.store(key(line, i), scratch_, key_at(i)); });
    const Value lowest = extreme_of(b_, loop::scalar(key_.dtype), false);
    b_.for_each("padding", extent_, padded_, 1,
                [&](const Value& i) { b_.store(lowest, scratch_, key_at(i)); });
  }

  // All keys, kVectors vectors at a time.
  void each_vectors(const std::function<void(const std::vector<Value>&)>& body) {
    b_.for_each("block", zero(), padded_, kVectors * lanes_, [&](const Value& i) {
      std::vector<Value> keys;
      for (int64_t v = 0; v < kVectors; ++v) keys.push_back(keys_at(i + v * lanes_));
      body(keys);
    });
  }

  std::vector<Var> vectors(const Value& initial) {
    std::vector<Var> result;
    for (int64_t v = 0; v < kVectors; ++v) result.push_back(b_.var("v", initial));
    return result;
  }

  Value is_from(const Value& keys, const Value& bound) {
    return b_.cast(keys >= b_.broadcast(bound, lanes_), key_.dtype);
  }

  Value sum_of(Value sum) { return b_.cast(b_.reduce(Opcode::kReduceAdd, sum), DType::kI64); }

  // Keys at or above a bound; those behind the line count when it is the lowest.
  Value count_from(const Value& bound) {
    const std::vector<Var> counts =
        vectors(b_.constant(int64_t{0}, loop::vector(key_.dtype, lanes_)));
    each_vectors([&](const std::vector<Value>& keys) {
      for (size_t v = 0; v < keys.size(); ++v)
        counts[v].set(counts[v].get() + is_from(keys[v], bound));
    });
    Value sum = counts[0].get();
    for (size_t v = 1; v < counts.size(); ++v) sum = sum + counts[v].get();
    return sum_of(sum);
  }

  // The largest bound that `count_of` finds at least `count` keys at or above, as far as its
  // highest `steps` bits; the others are 0.
  Value search(const Value& count, int steps, const std::function<Value(const Value&)>& count_of) {
    const loop::Type type = loop::scalar(key_.dtype);
    const Var bound = b_.var("bound", b_.constant(key_.first, type));
    const int64_t highest = key_.bits == 64   ? INT64_MIN
                            : key_.bits == 32 ? INT32_MIN
                                              : int64_t{1} << (key_.bits - 1);
    const Var bit = b_.var("bit", b_.constant(highest, type));
    b_.for_each("bits", zero(), b_.constant(int64_t{steps}), 1, [&](const Value&) {
      const Value next = bound.get() + bit.get();
      b_.if_(count_of(next) >= count, [&] { bound.set(next); });
      // A shift of a negative number would keep the sign.
      const Value half = b_.binary(Opcode::kShr, bit.get(), b_.constant(int64_t{1}, type));
      bit.set(b_.binary(Opcode::kAnd, half, extreme_of(b_, type, true)));
    });
    return bound.get();
  }

  // The keys in as many groups as there are lanes: the k-th largest of the groups' maxima is not
  // above the k-th largest key, and mostly close below it.
  Value guess(const Value& count) {
    const std::vector<Var> maxima =
        vectors(extreme_of(b_, loop::vector(key_.dtype, lanes_), false));
    each_vectors([&](const std::vector<Value>& keys) {
      for (size_t v = 0; v < keys.size(); ++v) maxima[v].set(max(maxima[v].get(), keys[v]));
    });
    return search(count, std::min(kGuessed, key_.bits), [&](const Value& bound) {
      Value sum = is_from(maxima[0].get(), bound);
      for (size_t v = 1; v < maxima.size(); ++v) sum = sum + is_from(maxima[v].get(), bound);
      return sum_of(sum);
    });
  }

  // The first `count` elements of the order, perhaps more, still in the order of their indices;
  // gives how many.
  Value collect(const Value& count) {
    const loop::Type type = loop::scalar(key_.dtype);
    const Var bound = b_.var("bound", b_.constant(key_.first, type));
    const Var room = b_.var("room", extent_);  // for keys equal to the bound
    const auto select = [&] {
      bound.set(search(count, key_.bits, [&](const Value& b) { return count_from(b); }));
      const Value end = extreme_of(b_, type, true);
      const Value above =
          b_.select(bound.get() == end, zero(), count_from(min(bound.get(), end - 1) + 1));
      room.set(count - above);
    };
    if (guesses_) {
      const Value guessed = guess(count);
      b_.if_(count_from(guessed) <= most_, [&] { bound.set(guessed); }, select);
    } else {
      select();
    }
    return take_from(bound.get(), room);
  }

  Value take_from(const Value& bound, const Var& room) {
    const Var taken = b_.var("taken", zero());
    b_.for_each("block", zero(), extent_, lanes_, [&](const Value& first) {
      const Value most = b_.reduce(Opcode::kReduceMax, keys_at(first));
      b_.if_(most >= bound, [&] {
        b_.for_each("i", first, min(first + lanes_, extent_), 1, [&](const Value& i) {
          const Value key = b_.load(loop::scalar(key_.dtype), scratch_, key_at(i));
          const Value equal = b_.binary(Opcode::kAnd, key == bound, room.get() > zero());
          const Value takes = b_.binary(Opcode::kOr, equal, key > bound);
          pairs_.set(zero(), taken.get(), key, i);
          taken.set(taken.get() + b_.cast(takes, DType::kI64));
          room.set(room.get() - b_.cast(equal, DType::kI64));
        });
      });
    });
    return taken.get();
  }

  const ir::TopK& op_;
  const Layout& x_;
  const Dim& extent_dim_;
  order::Key key_;
  int lanes_;
  bool selects_;  // not all of a line
  bool guesses_;  // few
  bool by_vectors_;
  TaskWriter writer_;
  loop::Builder& b_;
  order::Lines lines_;
  Dim capacity_;
  order::Pairs pairs_;
  Value extent_, k_, padded_, most_, key_bytes_, scratch_;
};

}  // namespace

Call top_k_call(const Request& request) { return TopKKernel(request).make(); }

}  // namespace dovetail::kernels
