#include "kernels/pool/pool.h"

#include "base/error.h"
#include "kernels/pool/window_loop.h"
#include "kernels/scalar/reduction.h"

namespace dovetail::kernels {
namespace {

using ir::DType;
using loop::Value;
using loop::Var;

// Vectors of channels that one walk over the window takes.
constexpr int kBlock = 4;

std::string name_of(const ir::Pool& pool) {
  static constexpr const char* kNames[] = {"maxpool", "sumpool", "avgpool", "avgpool_padded"};
  return kNames[static_cast<int>(pool.kind)] + text_of(pool.window);
}

class PoolKernel {
 public:
  explicit PoolKernel(const Request& request)
      : pool_(*request.node->as<ir::Pool>()),
        dtype_(request.operands[0].dtype),
        sum_dtype_(accumulator_dtype(dtype_)),
        lanes_(request.level->vector_bytes / ir::size_of(sum_dtype_)),
        writer_(name_of(pool_), request),
        b_(writer_.code()),
        loop_(request, pool_.window, pool_.kind == ir::PoolKind::kAverageWithPadding) {
    if (is_average() && !ir::is_float(dtype_)) {
      throw_error(ErrorKind::kUnsupported,
                  "an average pool of {} has no kernel; cast to a float type around it",
                  ir::name_of(dtype_));
    }
  }

  Call make() {
    loop_.declare(writer_);
    loop_.each_pixel([&](const PixelWindow& pixel) {
      loop_.each_block(lanes_, kBlock, [&](const ChannelBlock& at) { emit_block(pixel, at); });
    });
    return writer_.finish(loop_.chunks());
  }

 private:
  bool is_average() const {
    return pool_.kind == ir::PoolKind::kAverage || pool_.kind == ir::PoolKind::kAverageWithPadding;
  }

  ir::ReduceKind kind() const {
    return pool_.kind == ir::PoolKind::kMax ? ir::ReduceKind::kMax : ir::ReduceKind::kSum;
  }

  void emit_block(const PixelWindow& pixel, const ChannelBlock& at) {
    const loop::Type memory = loop::vector(dtype_, lanes_);
    const int64_t bytes = int64_t{lanes_} * ir::size_of(dtype_);
    const Value channel_offset = b_.element(at.channel, dtype_);
    std::vector<Var> results;
    for (int i = 0; i < at.vectors; ++i)
      results.push_back(b_.var("acc", identity_of(b_, kind(), loop::vector(sum_dtype_, lanes_))));
    const auto tap = [&](const Value& offset, const std::vector<Value>&) {
      for (int i = 0; i < at.vectors; ++i) {
        const Value x = at.count ? b_.load_masked(memory, loop_.x(), offset, *at.count)
                                 : b_.load(memory, loop_.x(), offset + i * bytes);
        results[i].set(combine(b_, kind(), results[i].get(), b_.cast(x, sum_dtype_)));
      }
    };
    loop_.taps(pixel, pixel.x_offset + channel_offset, tap);
    for (int i = 0; i < at.vectors; ++i) {
      Value result = results[i].get();
      if (is_average()) result = result / b_.broadcast(b_.cast(pixel.counted, sum_dtype_), lanes_);
      result = b_.cast(result, dtype_);
      const Value offset = pixel.y_offset + channel_offset + i * bytes;
      if (at.count) {
        b_.store_masked(result, loop_.y(), offset, *at.count);
      } else {
        b_.store(result, loop_.y(), offset);
      }
    }
  }

  const ir::Pool& pool_;
  DType dtype_;
  DType sum_dtype_;
  int lanes_;
  TaskWriter writer_;
  loop::Builder& b_;
  WindowLoop loop_;
};

}  // namespace

Call pool_call(const Request& request) { return PoolKernel(request).make(); }

}  // namespace dovetail::kernels
