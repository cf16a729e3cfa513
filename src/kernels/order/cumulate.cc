#include "kernels/order/cumulate.h"

#include "kernels/order/lines.h"
#include "kernels/scalar/reduction.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using ir::DType;
using loop::Value;
using loop::Var;
using order::Line;

std::string name_of(const ir::Cumulate& op) {
  static constexpr const char* kNames[] = {"cumsum", "cumprod", "cummin", "cummax"};
  std::string name = kNames[static_cast<int>(op.kind)];
  if (op.exclusive) name += "_exclusive";
  if (op.reverse) name += "_reverse";
  return name;
}

class CumulateKernel {
 public:
  explicit CumulateKernel(const Request& request)
      : op_(*request.node->as<ir::Cumulate>()),
        x_(request.operands[0]),
        dtype_(accumulator_dtype(x_.dtype)),
        lanes_(request.level->vector_bytes / ir::size_of(dtype_)),
        along_line_(!request.strict && x_.strides[op_.axis] == Dim(1) &&
                    request.results[0].strides[op_.axis] == Dim(1)),
        writer_(name_of(op_) + (along_line_ ? "_line" : ""), request),
        b_(writer_.code()),
        lines_(request, op_.axis, along_line_ ? 1 : lanes_) {}

  Call make() {
    lines_.declare(writer_, x_.shape[op_.axis]);
    extent_ = writer_.integer("extent", x_.shape[op_.axis]);
    lines_.each(writer_, [&](const Line& line) {
      const loop::Type type = loop::vector(dtype_, lines_.lanes());
      sum_ = b_.var("sum", identity_of(b_, op_.kind, type));
      Value done = b_.constant(int64_t{0});
      if (along_line_) done = vectors(line);
      b_.for_each("i", done, extent_, 1, [&](const Value& i) { step(line, i); });
    });
    return writer_.finish(lines_.chunks());
  }

 private:
  // One element of each lane.
  void step(const Line& line, const Value& i) {
    const Value at = op_.reverse ? extent_ - 1 - i : i;
    const Value x =
        b_.cast(lines_.load(b_, 0, line.offsets[0] + at * lines_.stride(0), line), dtype_);
    const Value before = sum_.get();
    sum_.set(combine(b_, op_.kind, before, x));
    const Value y = op_.exclusive ? before : sum_.get();
    lines_.store(b_, 1, line.offsets[1] + at * lines_.stride(1), b_.cast(y, x_.dtype), line);
  }

  Value reversed(const Value& v) {
    std::vector<int32_t> lanes(lanes_);
    for (int i = 0; i < lanes_; ++i) lanes[i] = lanes_ - 1 - i;
    return b_.shuffle(v, v, lanes);
  }

  // The lanes `distance` up; below come lanes of `fill`.
  Value shifted(const Value& v, int distance, const Value& fill) {
    std::vector<int32_t> lanes(lanes_);
    for (int i = 0; i < lanes_; ++i) lanes[i] = i < distance ? lanes_ + i : i - distance;
    return b_.shuffle(v, fill, lanes);
  }

  // Whole vectors of the line; gives the elements done.
  Value vectors(const Line& line) {
    const loop::Type type = loop::vector(dtype_, lanes_);
    const Value none = identity_of(b_, op_.kind, type);
    const Value full = extent_ / lanes_ * lanes_;
    b_.for_each("block", b_.constant(int64_t{0}), full, lanes_, [&](const Value& i) {
      const Value at = b_.element(op_.reverse ? extent_ - lanes_ - i : i, x_.dtype);
      Value v = b_.load(loop::vector(x_.dtype, lanes_), lines_.pointer(0), line.offsets[0] + at);
      v = b_.cast(v, dtype_);
      if (op_.reverse) v = reversed(v);
      for (int distance = 1; distance < lanes_; distance *= 2)
        v = combine(b_, op_.kind, shifted(v, distance, none), v);
      const Value before = b_.broadcast(sum_.get(), lanes_);
      v = combine(b_, op_.kind, before, v);
      sum_.set(b_.extract(v, lanes_ - 1));
      if (op_.exclusive) v = shifted(v, 1, before);
      if (op_.reverse) v = reversed(v);
      b_.store(b_.cast(v, x_.dtype), lines_.pointer(1), line.offsets[1] + at);
    });
    return full;
  }

  const ir::Cumulate& op_;
  const Layout& x_;
  DType dtype_;
  int lanes_;
  bool along_line_;
  TaskWriter writer_;
  loop::Builder& b_;
  order::Lines lines_;
  Value extent_;
  Var sum_;
};

}  // namespace

Call cumulate_call(const Request& request) { return CumulateKernel(request).make(); }

}  // namespace dovetail::kernels
