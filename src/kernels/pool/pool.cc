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

class PoolKernel {
 public:
  explicit PoolKernel(const Request& request)
      : request_(request),
        pool_(*request.node->as<ir::Pool>()),
        x_(request.operands[0]),
        y_(request.results[0]),
        rank_(pool_.window.rank()),
        lanes_(request.level->vector_bytes / ir::size_of(x_.dtype)),
        b_(name(), loop::Convention::kTask) {
    if (pool_.kind != ir::PoolKind::kMax && x_.dtype != DType::kF32 && x_.dtype != DType::kF64) {
      throw_error(ErrorKind::kUnsupported, "an average pool of {} cannot be compiled yet",
                  ir::name_of(x_.dtype));
    }
    if (x_.dtype == DType::kF16 || x_.dtype == DType::kBF16) {
      throw_error(ErrorKind::kUnsupported, "a pool of {} cannot be compiled yet",
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

  std::string name() const {
    static constexpr std::string_view kNames[] = {"maxpool", "avgpool", "avgpool_padded"};
    std::string text(kNames[static_cast<int>(pool_.kind)]);
    for (int i = 0; i < rank_; ++i)
      text += fmt::format("{}{}", i ? "x" : "", pool_.window.kernel[i]);
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
    const Dim per_chunk = max(Dim(1), floordiv(Dim(32768), max(x_.shape.back() * window, Dim(1))));
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
    const Value full = channels_ / lanes_ * lanes_;
    b_.for_each("channels", zero(), full, lanes_, [&](const Value& c) {
      emit_block(ranges, counted, x_offset, y_offset, c, nullptr);
    });
    b_.if_(full < channels_, [&] {
      const Value count = channels_ - full;
      emit_block(ranges, counted, x_offset, y_offset, full, &count);
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

  void emit_block(const std::vector<Range>& ranges, const Value& counted, const Value& x_offset,
                  const Value& y_offset, const Value& channel, const Value* count) {
    const loop::Type type{x_.dtype, lanes_, false};
    const Value channel_offset = b_.element(channel, x_.dtype);
    const Var accumulator = b_.var("acc", identity(type));
    taps(0, ranges, x_offset + channel_offset, [&](const Value& offset) {
      const Value x = count ? b_.load_masked(type, x_pointer_, offset, *count)
                            : b_.load(type, x_pointer_, offset);
      const Value a = accumulator.get();
      if (pool_.kind != ir::PoolKind::kMax) {
        accumulator.set(a + x);
      } else {
        accumulator.set(ir::is_float(x_.dtype) ? b_.select(a == a, max(a, x), a) : max(a, x));
      }
    });
    Value result = accumulator.get();
    if (pool_.kind != ir::PoolKind::kMax)
      result = result / b_.broadcast(b_.cast(counted, x_.dtype), lanes_);
    if (count) {
      b_.store_masked(result, y_pointer_, y_offset + channel_offset, *count);
    } else {
      b_.store(result, y_pointer_, y_offset + channel_offset);
    }
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
  int lanes_;
  Builder b_;
  Call call_;
  Value x_pointer_, y_pointer_, channels_, rows_, rows_per_chunk_;
  std::vector<Value> out_extents_, in_extents_, x_strides_, y_strides_, pad_lo_, padded_;
};

}  // namespace

Call pool_call(const Request& request) { return PoolKernel(request).make(); }

}  // namespace dovetail::kernels
