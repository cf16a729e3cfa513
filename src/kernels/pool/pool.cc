#include "kernels/pool/pool.h"

#include <fmt/format.h>

#include <limits>

#include "base/error.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using ir::DType;
using loop::Builder;
using loop::Opcode;
using loop::Value;
using loop::Var;

// Elements read by a chunk, about 20 us.
const Dim kChunkTaps = 262144;
// Vectors of channels that one walk over the window takes.
constexpr int kBlock = 4;

class PoolKernel {
 public:
  explicit PoolKernel(const Request& request)
      : request_(request),
        pool_(*request.node->as<ir::Pool>()),
        x_(request.operands[0]),
        y_(request.results[0]),
        rank_(pool_.window.rank()),
        sum_dtype_(ir::size_of(x_.dtype) == 2 && ir::is_float(x_.dtype) ? DType::kF32 : x_.dtype),
        lanes_(request.level->vector_bytes / ir::size_of(sum_dtype_)),
        b_(name(), loop::Convention::kTask) {
    if (is_average() && !ir::is_float(x_.dtype)) {
      throw_error(ErrorKind::kUnsupported,
                  "an average pool of {} has no kernel; cast to a float type around it",
                  ir::name_of(x_.dtype));
    }
  }

  Call make() {
    declare_parameters();
    const Value first = b_.chunk() * rows_per_chunk_;
    const Value last = min(first + rows_per_chunk_, rows_);
    b_.for_each("pixel", first, last, 1, [&](const Value& pixel) { emit_pixel(pixel); });
    call_.function = b_.finish();
    call_.function.strict = request_.strict;
    call_.function.llvm_cpu = request_.level->llvm_cpu;
    call_.function.llvm_features = request_.level->llvm_features;
    return std::move(call_);
  }

 private:
  struct Range {
    Value begin, end;  // window positions inside x
    Value origin;      // coordinate of window position 0
    Value counted;     // positions that an average divides by
  };

  bool is_average() const {
    return pool_.kind == ir::PoolKind::kAverage || pool_.kind == ir::PoolKind::kAverageWithPadding;
  }

  std::string name() const {
    static constexpr std::string_view kNames[] = {"maxpool", "sumpool", "avgpool",
                                                  "avgpool_padded"};
    std::string text(kNames[static_cast<int>(pool_.kind)]);
    for (int i = 0; i < rank_; ++i)
      text += fmt::format("{}{}", i ? "x" : "", pool_.window.kernel[i]);
    for (int i = 0; i < rank_; ++i)
      text += fmt::format("{}{}", i ? "x" : "_s", pool_.window.strides[i]);
    return text;
  }

  Value int_parameter(const std::string& name, const Dim& value) {
    call_.arguments.push_back(Argument::integer(value));
    return b_.int_parameter(name);
  }

  void declare_parameters() {
    x_pointer_ = b_.pointer_parameter("x");
    y_pointer_ = b_.pointer_parameter("y");
    call_.arguments = {Argument::pointer(0), Argument::pointer(1)};
    const int64_t size = ir::size_of(x_.dtype);
    Dim rows = 1;
    Dim window = 1;
    for (int i = 0; i <= rank_; ++i) {  // batch and spatial axes
      out_extents_.push_back(int_parameter(fmt::format("out{}", i), y_.shape[i]));
      in_extents_.push_back(int_parameter(fmt::format("in{}", i), x_.shape[i]));
      x_strides_.push_back(int_parameter(fmt::format("x_stride{}", i), x_.strides[i] * size));
      y_strides_.push_back(int_parameter(fmt::format("y_stride{}", i), y_.strides[i] * size));
      rows *= y_.shape[i];
    }
    for (int i = 0; i < rank_; ++i) {
      pad_lo_.push_back(int_parameter(fmt::format("pad{}", i), pool_.window.pad_lo[i]));
      padded_.push_back(
          int_parameter(fmt::format("padded{}", i), x_.shape[i + 1] + pool_.window.pad_hi[i]));
      window *= pool_.window.kernel[i];
    }
    channels_ = int_parameter("channels", x_.shape.back());
    const Dim per_chunk = max(Dim(1), floordiv(kChunkTaps, max(x_.shape.back() * window, Dim(1))));
    rows_ = int_parameter("rows", rows);
    rows_per_chunk_ = int_parameter("rows_per_chunk", per_chunk);
    call_.chunks = ceildiv(rows, per_chunk);
  }

  Value zero() { return b_.constant(int64_t{0}); }

  // ceil(a / b) for a of any sign, b > 0: truncation is right below zero.
  Value ceil_divide(const Value& a, int64_t divisor) {
    return divisor == 1 ? a : b_.select(a > zero(), (a + (divisor - 1)) / divisor, a / divisor);
  }

  Range range_of(int axis, const Value& out) {
    const ir::Window& window = pool_.window;
    const int64_t dilation = window.dilations[axis];
    const Value kernel = b_.constant(window.kernel[axis]);
    const Value origin = out * window.strides[axis] - pad_lo_[axis];
    // First position with origin + k * dilation >= 0, first one at or behind the extent.
    const Value begin = max(ceil_divide(zero() - origin, dilation), zero());
    const Value end = min(ceil_divide(in_extents_[axis + 1] - origin, dilation), kernel);
    const Value padded = min(ceil_divide(padded_[axis] - origin, dilation), kernel);
    return {begin, end, origin,
            pool_.kind == ir::PoolKind::kAverageWithPadding ? padded : max(end - begin, zero())};
  }

  void emit_pixel(const Value& pixel) {
    std::vector<Value> indices(rank_ + 1);
    Value rest = pixel;
    for (int i = rank_; i > 0; --i) {
      indices[i] = rest % out_extents_[i];
      rest = rest / out_extents_[i];
    }
    indices[0] = rest;
    Value x_offset = indices[0] * x_strides_[0];
    Value y_offset = zero();
    for (int i = 0; i <= rank_; ++i) y_offset = y_offset + indices[i] * y_strides_[i];
    std::vector<Range> ranges;
    Value counted = b_.constant(int64_t{1});
    for (int i = 0; i < rank_; ++i) {
      ranges.push_back(range_of(i, indices[i + 1]));
      counted = counted * ranges.back().counted;
    }
    const auto block = [&](int vectors, const Value* count) {
      return [this, &ranges, &counted, &x_offset, &y_offset, vectors, count](const Value& channel) {
        emit_block({ranges, counted, x_offset, y_offset, channel, count}, vectors);
      };
    };
    const int64_t wide = int64_t{kBlock} * lanes_;
    const Value blocks = channels_ / wide * wide;
    const Value full = channels_ / lanes_ * lanes_;
    b_.for_each("channels", zero(), blocks, wide, block(kBlock, nullptr));
    b_.for_each("channels", blocks, full, lanes_, block(1, nullptr));
    b_.if_(full < channels_, [&] {
      const Value count = channels_ - full;
      block(1, &count)(full);
    });
  }

  Value identity(const loop::Type& type) {
    if (pool_.kind != ir::PoolKind::kMax) return b_.constant(int64_t{0}, type);
    if (ir::is_float(type.dtype))
      return b_.constant(-std::numeric_limits<double>::infinity(), type);
    const int bits = 8 * ir::size_of(type.dtype);
    return b_.constant(ir::is_signed_int(type.dtype)
                           ? static_cast<int64_t>(~uint64_t{0} << (bits - 1))
                           : int64_t{0},
                       type);
  }

  struct Place {
    const std::vector<Range>& ranges;
    const Value &counted, &x_offset, &y_offset;
    const Value& channel;
    const Value* count;  // of channels, when not all lanes exist
  };

  // Vectors of channels of one pixel, from `channel` on.
  void emit_block(const Place& at, int vectors) {
    const loop::Type memory{x_.dtype, lanes_, false};
    const loop::Type type{sum_dtype_, lanes_, false};
    const int64_t bytes = int64_t{lanes_} * ir::size_of(x_.dtype);
    const Value channel_offset = b_.element(at.channel, x_.dtype);
    std::vector<Var> results;
    for (int i = 0; i < vectors; ++i) results.push_back(b_.var("acc", identity(type)));
    taps(0, at.ranges, at.x_offset + channel_offset, [&](const Value& offset) {
      for (int i = 0; i < vectors; ++i) {
        const Value x = at.count ? b_.load_masked(memory, x_pointer_, offset, *at.count)
                                 : b_.load(memory, x_pointer_, offset + i * bytes);
        results[i].set(combine(results[i].get(), b_.cast(x, sum_dtype_)));
      }
    });
    for (int i = 0; i < vectors; ++i) {
      Value result = results[i].get();
      if (is_average()) result = result / b_.broadcast(b_.cast(at.counted, sum_dtype_), lanes_);
      result = b_.cast(result, x_.dtype);
      const Value offset = at.y_offset + channel_offset + i * bytes;
      if (at.count) {
        b_.store_masked(result, y_pointer_, offset, *at.count);
      } else {
        b_.store(result, y_pointer_, offset);
      }
    }
  }

  Value combine(const Value& a, const Value& x) {
    if (pool_.kind != ir::PoolKind::kMax) return a + x;
    // The loop operation gives x when either is NaN: a NaN already there has to stay.
    return ir::is_float(a.dtype()) ? b_.select(a == a, max(a, x), a) : max(a, x);
  }

  void taps(int axis, const std::vector<Range>& ranges, const Value& offset,
            const std::function<void(const Value&)>& body) {
    if (axis == rank_) {
      body(offset);
      return;
    }
    const Range& range = ranges[axis];
    b_.for_each(fmt::format("k{}", axis), range.begin, range.end, 1, [&](const Value& k) {
      const Value coordinate = range.origin + k * pool_.window.dilations[axis];
      taps(axis + 1, ranges, offset + coordinate * x_strides_[axis + 1], body);
    });
  }

  const Request& request_;
  const ir::Pool& pool_;
  const Layout& x_;
  const Layout& y_;
  int rank_;
  DType sum_dtype_;
  int lanes_;
  Builder b_;
  Call call_;
  Value x_pointer_, y_pointer_, channels_, rows_, rows_per_chunk_;
  std::vector<Value> out_extents_, in_extents_, x_strides_, y_strides_, pad_lo_, padded_;
};

}  // namespace

Call pool_call(const Request& request) { return PoolKernel(request).make(); }

}  // namespace dovetail::kernels
