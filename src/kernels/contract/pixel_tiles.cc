#include "kernels/contract/pixel_tiles.h"

#include <algorithm>

namespace dovetail::kernels {
namespace {

using ir::Dim;

constexpr size_t kMaxBorderVariants = 5;

int64_t ceil_quotient(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The pixels first, ... that are inside of x at each tap; extents are known.
TileShape shape_of(const Axis& pixels, int64_t first, int width) {
  const Tap& tap = pixels.tap;
  TileShape shape{width, {}};
  for (int64_t k = 0; k < tap.kernel; ++k) {
    uint32_t bits = 0;
    for (int p = 0; p < width; ++p) {
      const int64_t at =
          (first + p) * tap.stride + k * tap.dilation - tap.pad.constant().value_or(0);
      const bool inside = !pixels.windowed || (at >= 0 && at < tap.input.value());
      bits |= static_cast<uint32_t>(inside) << p;
    }
    shape.active.push_back(bits);
  }
  return shape;
}

TileShape full_shape(const Axis& pixels, int width) {
  const auto bits = static_cast<uint32_t>((uint64_t{1} << width) - 1);
  return {width, std::vector<uint32_t>(pixels.tap.kernel, bits)};
}

// False when there are too many variants.
bool find_border_tiles(const Axis& pixels, PixelTiles* result) {
  const int64_t extent = pixels.extent.value();
  const int64_t width = result->inner.width;
  const auto shape = [&](int64_t t) {
    return shape_of(pixels, t * width, static_cast<int>(std::min(width, extent - t * width)));
  };
  int64_t first = 0;
  int64_t last = result->tiles.value();
  for (; first < last && shape(first) != result->inner; ++first) {
    if (result->left.size() == kMaxBorderVariants) return false;
    result->left.push_back(shape(first));
  }
  for (; last > first && shape(last - 1) != result->inner; --last) {
    if (result->left.size() + result->right.size() == kMaxBorderVariants) return false;
    result->right.insert(result->right.begin(), shape(last - 1));
  }
  result->has_inner = last > first;
  return true;
}

// Tiles of equal width where that is possible at compile time.
bool cut_fixed(const Axis& pixels, int widest, PixelTiles* result) {
  result->fixed = true;
  if (!pixels.extent.is_constant()) {
    if (pixels.windowed || ir::mod(pixels.extent, widest) != Dim(0)) return false;
    result->inner = full_shape(pixels, widest);
    result->tiles = ir::floordiv(pixels.extent, widest);
    return true;
  }
  if (pixels.windowed && !(pixels.tap.pad.is_constant() && pixels.tap.input.is_constant()))
    return false;
  const int64_t extent = std::max<int64_t>(pixels.extent.value(), 0);
  const int64_t tiles = std::max<int64_t>(ceil_quotient(extent, widest), 1);
  const int64_t width = std::max<int64_t>(ceil_quotient(extent, tiles), 1);
  result->inner = full_shape(pixels, static_cast<int>(width));
  result->tiles = ceil_quotient(extent, width);
  return find_border_tiles(pixels, result);
}

}  // namespace

PixelTiles cut_pixels(const Axis& pixels, int widest) {
  PixelTiles result;
  if (cut_fixed(pixels, widest, &result)) return result;
  result = {};
  result.inner = full_shape(pixels, widest);
  result.tiles = ir::ceildiv(pixels.extent, widest);
  int width = widest;
  if (width % 2 == 0) result.rest.push_back(width /= 2);
  int power = 1;
  while (power * 2 < width) power *= 2;
  for (; power >= 1 && power < width; power /= 2) result.rest.push_back(power);
  return result;
}

}  // namespace dovetail::kernels
