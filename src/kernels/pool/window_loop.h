// Windows over channels-last rows: the loops over output pixels, channels and window positions that
// all pools share.
#pragma once

#include <functional>
#include <vector>

#include "kernels/task_writer.h"

namespace dovetail::kernels {

// One output pixel.
struct PixelWindow {
  struct Range {
    loop::Value begin, end;  // window positions inside x
    loop::Value origin;      // coordinate of window position 0
    loop::Value counted;     // positions that an average divides by
  };
  std::vector<Range> ranges;  // by spatial axis
  loop::Value counted;        // product of the axes'
  loop::Value x_offset;       // bytes: of the batch
  loop::Value y_offset;       // bytes: of the pixel
};

// Vectors of channels, from `channel` on.
struct ChannelBlock {
  loop::Value channel;
  int vectors = 1;
  const loop::Value* count = nullptr;  // of channels, when not all lanes exist
};

class WindowLoop {
 public:
  // counts_padding: `counted` is of positions inside the padded extent.
  WindowLoop(const Request& request, const ir::Window& window, bool counts_padding);

  void declare(TaskWriter& writer);  // parameters
  const loop::Value& x() const { return x_; }
  const loop::Value& y() const { return y_; }
  const loop::Value& in_extent(int axis) const { return in_extents_[axis + 1]; }

  // The pixels of this chunk.
  void each_pixel(const std::function<void(const PixelWindow&)>& body) const;
  // All channels: in blocks of `vectors` vectors, then single ones, then the lanes that are left.
  void each_block(int lanes, int vectors,
                  const std::function<void(const ChannelBlock&)>& body) const;
  // The positions inside x, row-major, each with its byte offset from `offset` and its coordinates.
  using Tap = std::function<void(const loop::Value& offset, const std::vector<loop::Value>& at)>;
  void taps(const PixelWindow& pixel, const loop::Value& offset, const Tap& body) const;
  const ir::Dim& chunks() const { return chunks_; }

 private:
  PixelWindow::Range range_of(int axis, const loop::Value& out) const;
  loop::Value ceil_divide(const loop::Value& a, int64_t divisor) const;
  void taps_from(int axis, const PixelWindow& pixel, const loop::Value& offset,
                 const std::vector<loop::Value>& at, const Tap& body) const;

  const Request& request_;
  const ir::Window& window_;
  bool counts_padding_;
  int rank_;
  loop::Builder* b_ = nullptr;
  ir::Dim chunks_ = 1;
  loop::Value x_, y_, channels_, rows_, rows_per_chunk_;
  std::vector<loop::Value> out_extents_, in_extents_, x_strides_, y_strides_, pad_lo_, padded_;
};

// "3x3_s2x2"
std::string text_of(const ir::Window& window);

}  // namespace dovetail::kernels
