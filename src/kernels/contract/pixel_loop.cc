#include "kernels/contract/pixel_loop.h"

namespace dovetail::kernels {

using ir::Dim;
using loop::Value;

Range part_of(const Value& index, const Value& size, const Value& total) {
  const Value begin = index * size;
  return {begin, min(begin + size, total)};
}

Range taps_inside(const Value& position, const Tap& tap, const Value& pad, const Value& input) {
  const Value before = pad - position * tap.stride;
  const Value begin = max((before + (tap.dilation - 1)) / tap.dilation, 0);
  const Value end = (before + input + (tap.dilation - 1)) / tap.dilation;
  return {begin, min(end, tap.kernel)};
}

PixelLoop::PixelLoop(TaskWriter& writer, const Axis& pixels, const PixelTiles& tiles)
    : code_(writer.code()), pixels_(pixels), tiles_(tiles) {
  tile_count_ = writer.integer("tiles", tiles.tiles);
  if (tiles.fixed) return;
  extent_ = writer.integer("pixels", pixels.extent);
  if (!pixels.windowed) return;
  const Tap& tap = pixels.tap;
  pad_ = writer.integer("pad", tap.pad);
  input_ = writer.integer("input", tap.input);
  const Dim first = ir::min(ir::ceildiv(tap.pad, tap.stride), pixels.extent);
  const Dim last = tap.input + tap.pad - Dim((tap.kernel - 1) * tap.dilation + 1);
  const Dim end = ir::min(ir::floordiv(last, tap.stride) + Dim(1), pixels.extent);
  inside_ = {writer.integer("inside_begin", first),
             writer.integer("inside_end", ir::max(first, end))};
}

void PixelLoop::run(const Range& tiles, const Body& body) {
  if (tiles_.fixed) {
    fixed_tiles(tiles, body);
  } else {
    blocks(tiles, body);
  }
}

void PixelLoop::fixed_tiles(const Range& tiles, const Body& body) {
  code_.for_each("tile", tiles.begin, tiles.end, 1, [&](const Value& tile) {
    std::vector<Border> borders;
    for (size_t i = 0; i < tiles_.left.size(); ++i) {
      borders.emplace_back(code_.constant(static_cast<int64_t>(i)), &tiles_.left[i]);
    }
    for (size_t i = 0; i < tiles_.right.size(); ++i) {
      borders.emplace_back(tile_count_ - (tiles_.right.size() - i), &tiles_.right[i]);
    }
    choose_tile(borders, 0, tile, body);
  });
}

void PixelLoop::choose_tile(const std::vector<Border>& borders, size_t i, const Value& tile,
                            const Body& body) {
  const Value first = tile * tiles_.inner.width;
  if (i == borders.size()) {
    body.tile(tiles_.inner, first);
  } else if (i + 1 == borders.size() && !tiles_.has_inner) {
    body.tile(*borders[i].second, first);
  } else {
    code_.if_(
        tile == borders[i].first, [&] { body.tile(*borders[i].second, first); },
        [&] { choose_tile(borders, i + 1, tile, body); });
  }
}

void PixelLoop::blocks(const Range& tiles, const Body& body) {
  const int64_t width = tiles_.inner.width;
  code_.for_each("block", tiles.begin, tiles.end, 1, [&](const Value& block) {
    const Value begin = block * width;
    const Value end = min(begin + width, extent_);
    const Range inside = pixels_.windowed ? Range{max(begin, inside_.begin), min(end, inside_.end)}
                                          : Range{begin, end};
    code_.if_(
        inside.end - inside.begin == width, [&] { body.tile(tiles_.inner, begin); },
        [&] {
          if (pixels_.windowed) border_pixels({begin, min(end, inside_.begin)}, body);
          inside_pixels(inside, body);
          if (pixels_.windowed) border_pixels({max(begin, inside_.end), end}, body);
        });
  });
}

void PixelLoop::border_pixels(const Range& range, const Body& body) {
  code_.for_each("pixel", range.begin, range.end, 1, [&](const Value& pixel) {
    body.pixel(pixel, taps_inside(pixel, pixels_.tap, pad_, input_));
  });
}

// In pieces of falling width.
void PixelLoop::inside_pixels(const Range& range, const Body& body) {
  Value begin = range.begin;
  for (const int width : tiles_.rest) {
    TileShape shape{width, tiles_.inner.active};
    for (uint32_t& bits : shape.active) bits &= (uint32_t{1} << width) - 1;
    code_.for_each("piece", begin, range.end - (width - 1), width,
                   [&](const Value& pixel) { body.tile(shape, pixel); });
    const Value count = max(range.end - begin, 0);
    begin = begin + count / width * width;
  }
}

}  // namespace dovetail::kernels
