#include "kernels/move/compact.h"

#include "kernels/task_writer.h"

namespace dovetail::kernels {
namespace {

using loop::Builder;
using loop::Value;

constexpr int64_t kBlock = 8;  // bools that are looked at as one word

}  // namespace

// One chunk: where an element is written depends on all before it. Blocks without a true element,
// which are most of a mask, cost one load.
Call compact_call(const Request& request) {
  TaskWriter task("compact", request);
  Builder& b = task.code();
  const Layout& x = request.operands[0];
  const Value from = task.pointer("x", 0);
  const Value to = task.pointer("y", 1);
  const Value count = task.integer("count", x.shape[0]);
  const Value stride = task.integer("stride", x.strides[0]);
  const Value step = task.integer("step", request.results[0].strides[0] * 8);
  const Value zero = b.constant(int64_t{0});
  const loop::Var at = b.var("at", zero);
  const auto look = [&](const Value& i) {
    b.if_(b.load(loop::scalar(ir::DType::kBool), from, i * stride), [&] {
      b.store(i, to, at.get());
      at.set(at.get() + step);
    });
  };
  const Value blocks = b.select(stride == 1, count / kBlock * kBlock, zero);
  b.for_each("block", zero, blocks, kBlock, [&](const Value& i) {
    b.if_(b.load(loop::scalar(ir::DType::kI64), from, i) != zero,
          [&] { b.for_each("i", i, i + kBlock, 1, look); });
  });
  b.for_each("rest", blocks, count, 1, look);
  return task.finish(1);
}

}  // namespace dovetail::kernels
