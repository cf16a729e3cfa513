#include "kernels/pool/pool_indices.h"

#include "kernels/order/precedence.h"
#include "kernels/pool/window_loop.h"
#include "kernels/scalar/reduction.h"

namespace dovetail::kernels {
namespace {

using ir::DType;
using loop::Opcode;
using loop::Value;
using loop::Var;

class PoolIndicesKernel {
 public:
  explicit PoolIndicesKernel(const Request& request)
      : window_(request.node->as<ir::PoolIndices>()->window),
        dtype_(request.operands[0].dtype),
        value_dtype_(accumulator_dtype(dtype_)),
        lanes_(request.level->vector_bytes / ir::size_of(DType::kI64)),
        writer_("maxpool_indices" + text_of(window_), request),
        b_(writer_.code()),
        loop_(request, window_, false) {}

  Call make() {
    loop_.declare(writer_);
    loop_.each_pixel([&](const PixelWindow& pixel) {
      loop_.each_block(lanes_, 1, [&](const ChannelBlock& at) { emit_vector(pixel, at); });
    });
    return writer_.finish(loop_.chunks());
  }

 private:
  void emit_vector(const PixelWindow& pixel, const ChannelBlock& at) {
    const loop::Type memory = loop::vector(dtype_, lanes_);
    const loop::Type indices = loop::vector(DType::kI64, lanes_);
    const Var best = b_.var("best", b_.constant(int64_t{0}, loop::vector(value_dtype_, lanes_)));
    const Var index = b_.var("index", b_.constant(int64_t{-1}, indices));
    const auto tap = [&](const Value& offset, const std::vector<Value>& coordinates) {
      Value position = b_.constant(int64_t{0});
      for (size_t i = 0; i < coordinates.size(); ++i)
        position = position * loop_.in_extent(static_cast<int>(i)) + coordinates[i];
      const Value loaded = at.count ? b_.load_masked(memory, loop_.x(), offset, *at.count)
                                    : b_.load(memory, loop_.x(), offset);
      const Value x = b_.cast(loaded, value_dtype_);
      const Value now = index.get();
      const Value takes = b_.binary(Opcode::kOr, now < b_.constant(int64_t{0}, indices),
                                    order::strictly_before(b_, x, best.get(), true));
      best.set(b_.select(takes, x, best.get()));
      index.set(b_.select(takes, b_.broadcast(position, lanes_), now));
    };
    loop_.taps(pixel, pixel.x_offset + b_.element(at.channel, dtype_), tap);
    const Value offset = pixel.y_offset + b_.element(at.channel, DType::kI64);
    if (at.count) {
      b_.store_masked(index.get(), loop_.y(), offset, *at.count);
    } else {
      b_.store(index.get(), loop_.y(), offset);
    }
  }

  const ir::Window& window_;
  DType dtype_;
  DType value_dtype_;
  int lanes_;
  TaskWriter writer_;
  loop::Builder& b_;
  WindowLoop loop_;
};

}  // namespace

Call pool_indices_call(const Request& request) { return PoolIndicesKernel(request).make(); }

}  // namespace dovetail::kernels
