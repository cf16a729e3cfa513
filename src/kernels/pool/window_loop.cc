#include "kernels/pool/window_loop.h"

#include <fmt/format.h>

namespace dovetail::kernels {

using ir::Dim;
using loop::Value;

namespace {
// Elements read by a chunk, about 20 us.
const Dim kChunkTaps = 262144;
}  // namespace

std::string text_of(const ir::Window& window) {
  std::string text;
  for (int i = 0; i < window.rank(); ++i)
    text += fmt::format("{}{}", i ? "x" : "", window.kernel[i]);
  for (int i = 0; i < window.rank(); ++i)
    text += fmt::format("{}{}", i ? "x" : "_s", window.strides[i]);
  return text;
}

WindowLoop::WindowLoop(const Request& request, const ir::Window& window, bool counts_padding)
    : request_(request), window_(window), counts_padding_(counts_padding), rank_(window.rank()) {}

void WindowLoop::declare(TaskWriter& writer) {
  b_ = &writer.code();
  const Layout& x = request_.operands[0];
  const Layout& y = request_.results[0];
  x_ = writer.pointer("x", 0);
  y_ = writer.pointer("y", 1);
  Dim rows = 1;
  Dim window = 1;
  for (int i = 0; i <= rank_; ++i) {  // batch and spatial axes
    out_extents_.push_back(writer.integer(fmt::format("out{}", i), y.shape[i]));
    in_extents_.push_back(writer.integer(fmt::format("in{}", i), x.shape[i]));
    x_strides_.push_back(
        writer.integer(fmt::format("x_stride{}", i), x.strides[i] * ir::size_of(x.dtype)));
    y_strides_.push_back(
        writer.integer(fmt::format("y_stride{}", i), y.strides[i] * ir::size_of(y.dtype)));
    rows *= y.shape[i];
  }
  for (int i = 0; i < rank_; ++i) {
    pad_lo_.push_back(writer.integer(fmt::format("pad{}", i), window_.pad_lo[i]));
    padded_.push_back(
        writer.integer(fmt::format("padded{}", i), x.shape[i + 1] + window_.pad_hi[i]));
    window *= window_.kernel[i];
  }
  channels_ = writer.integer("channels", x.shape.back());
  const Dim per_chunk = max(Dim(1), floordiv(kChunkTaps, max(x.shape.back() * window, Dim(1))));
  rows_ = writer.integer("rows", rows);
  rows_per_chunk_ = writer.integer("rows_per_chunk", per_chunk);
  chunks_ = ceildiv(rows, per_chunk);
}

// ceil(a / b) for a of any sign, b > 0: truncation is right below zero.
Value WindowLoop::ceil_divide(const Value& a, int64_t divisor) const {
  if (divisor == 1) return a;
  return b_->select(a > b_->constant(int64_t{0}), (a + (divisor - 1)) / divisor, a / divisor);
}

PixelWindow::Range WindowLoop::range_of(int axis, const Value& out) const {
  const int64_t dilation = window_.dilations[axis];
  const Value zero = b_->constant(int64_t{0});
  const Value kernel = b_->constant(window_.kernel[axis]);
  const Value origin = out * window_.strides[axis] - pad_lo_[axis];
  // First position with origin + k * dilation >= 0, first one at or behind the extent.
  const Value begin = max(ceil_divide(zero - origin, dilation), zero);
  const Value end = min(ceil_divide(in_extents_[axis + 1] - origin, dilation), kernel);
  const Value padded = min(ceil_divide(padded_[axis] - origin, dilation), kernel);
  return {begin, end, origin, counts_padding_ ? padded : max(end - begin, zero)};
}

void WindowLoop::each_pixel(const std::function<void(const PixelWindow&)>& body) const {
  const Value first = b_->chunk() * rows_per_chunk_;
  const Value last = min(first + rows_per_chunk_, rows_);
  b_->for_each("pixel", first, last, 1, [&](const Value& index) {
    std::vector<Value> indices(rank_ + 1);
    Value rest = index;
    for (int i = rank_; i > 0; --i) {
      indices[i] = rest % out_extents_[i];
      rest = rest / out_extents_[i];
    }
    indices[0] = rest;
    PixelWindow pixel;
    pixel.x_offset = indices[0] * x_strides_[0];
    pixel.y_offset = b_->constant(int64_t{0});
    for (int i = 0; i <= rank_; ++i) pixel.y_offset = pixel.y_offset + indices[i] * y_strides_[i];
    pixel.counted = b_->constant(int64_t{1});
    for (int i = 0; i < rank_; ++i) {
      pixel.ranges.push_back(range_of(i, indices[i + 1]));
      pixel.counted = pixel.counted * pixel.ranges.back().counted;
    }
    body(pixel);
  });
}

void WindowLoop::each_block(int lanes, int vectors,
                            const std::function<void(const ChannelBlock&)>& body) const {
  const Value zero = b_->constant(int64_t{0});
  const int64_t wide = int64_t{vectors} * lanes;
  const Value blocks = channels_ / wide * wide;
  const Value full = channels_ / lanes * lanes;
  b_->for_each("channels", zero, blocks, wide,
               [&](const Value& channel) { body({channel, vectors}); });
  if (vectors > 1)
    b_->for_each("channels", blocks, full, lanes, [&](const Value& channel) { body({channel}); });
  b_->if_(full < channels_, [&] {
    const Value count = channels_ - full;
    body({full, 1, &count});
  });
}

void WindowLoop::taps(const PixelWindow& pixel, const Value& offset, const Tap& body) const {
  taps_from(0, pixel, offset, {}, body);
}

void WindowLoop::taps_from(int axis, const PixelWindow& pixel, const Value& offset,
                           const std::vector<Value>& at, const Tap& body) const {
  if (axis == rank_) {
    body(offset, at);
    return;
  }
  const PixelWindow::Range& range = pixel.ranges[axis];
  b_->for_each(fmt::format("k{}", axis), range.begin, range.end, 1, [&](const Value& k) {
    const Value coordinate = range.origin + k * window_.dilations[axis];
    std::vector<Value> next = at;
    next.push_back(coordinate);
    taps_from(axis + 1, pixel, offset + coordinate * x_strides_[axis + 1], next, body);
  });
}

}  // namespace dovetail::kernels
