// The loop over the tiles of a row of output pixels.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "kernels/contract/pixel_tiles.h"
#include "kernels/task_writer.h"

namespace dovetail::kernels {

// A half-open range.
struct Range {
  loop::Value begin, end;
};

// Part `index` of `total` things cut into parts of `size`.
Range part_of(const loop::Value& index, const loop::Value& size, const loop::Value& total);

// Taps k with 0 <= position * stride + k * dilation - pad < input.
Range taps_inside(const loop::Value& position, const Tap& tap, const loop::Value& pad,
                  const loop::Value& input);

class PixelLoop {
 public:
  // Declares the parameters it needs.
  PixelLoop(TaskWriter& writer, const Axis& pixels, const PixelTiles& tiles);

  struct Body {
    // A whole tile, by its first pixel.
    std::function<void(const TileShape& shape, const loop::Value& first)> tile;
    // One pixel with its taps.
    std::function<void(const loop::Value& pixel, const Range& taps)> pixel;
  };
  void run(const Range& tiles, const Body& body);

  const loop::Value& tile_count() const { return tile_count_; }

 private:
  using Border = std::pair<loop::Value, const TileShape*>;  // number of a tile
  void fixed_tiles(const Range& tiles, const Body& body);
  void choose_tile(const std::vector<Border>& borders, size_t i, const loop::Value& tile,
                   const Body& body);
  void blocks(const Range& tiles, const Body& body);
  void border_pixels(const Range& range, const Body& body);
  void inside_pixels(const Range& range, const Body& body);

  loop::Builder& code_;
  const Axis& pixels_;
  const PixelTiles& tiles_;
  loop::Value tile_count_, extent_, pad_, input_;
  Range inside_;  // pixels all of whose taps are inside of x
};

}  // namespace dovetail::kernels
