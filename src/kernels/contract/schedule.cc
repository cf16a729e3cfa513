#include "kernels/contract/schedule.h"

#include <algorithm>

#include "base/error.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;

constexpr int64_t kChunkProducts = 1 << 20;     // about 20 us of one core
constexpr int64_t kCachedWeights = 512 * 1024;  // bytes of weights that stay in L2
constexpr int64_t kCacheSetStride = 4096;       // rows so far apart share their L1 sets
constexpr size_t kMaxBorderVariants = 5;

int64_t ceil_quotient(int64_t a, int64_t b) { return (a + b - 1) / b; }

class Scheduler {
 public:
  Scheduler(const Contraction& contraction, const ir::CpuLevel& level)
      : contraction_(contraction), level_(level) {}

  Schedule run() {
    choose_register_tile();
    cut_columns();
    const Tap& tap = contraction_.pixels.tap;
    schedule_.merged_taps = tap.kernel > 1 && tap.dilation == 1 &&
                            tap.x_stride == contraction_.channels &&
                            tap.w_stride == contraction_.channels * contraction_.w_stride;
    if (!cut_pixels_fixed()) cut_pixels_at_run_time();
    cut_chunks();
    return std::move(schedule_);
  }

 private:
  // Accumulators take most registers; the rest holds a row of weights and an element of x.
  void choose_register_tile() {
    const int size = ir::size_of(contraction_.sum);
    int lanes = level_.vector_bytes / size;
    if (contraction_.panel) lanes = std::min(lanes, contraction_.panel);
    schedule_.lanes = lanes;
    const bool many = level_.vector_registers >= 32;
    const int accumulators =
        many ? (level_.family == ir::Family::kAArch64 ? 24 : 28) : (level_.fma ? 12 : 10);
    int vectors = many && level_.family == ir::Family::kAArch64 ? 4 : 2;
    const int widest = accumulators / vectors;
    const std::optional<int64_t> extent = contraction_.pixels.extent.constant();
    const std::optional<int64_t> columns = contraction_.columns.constant();
    const bool wide = !columns || *columns >= 2 * vectors * lanes;
    const bool few = extent && *extent <= widest / 2;
    if (wide && (few || rows_share_cache_sets())) vectors *= 2;
    schedule_.vectors = vectors;
    schedule_.pixels = accumulators / vectors;
    if (rows_share_cache_sets()) schedule_.pixels = std::min(schedule_.pixels, 6);
  }

  bool rows_share_cache_sets() const {
    const std::optional<int64_t> stride = contraction_.pixels.strides[0].constant();
    return stride && *stride != 0 &&
           *stride * ir::size_of(contraction_.dtype) % kCacheSetStride == 0;
  }

  void cut_columns() {
    const int unit = schedule_.vectors * schedule_.lanes;
    const Dim& columns = contraction_.columns;
    schedule_.full = ir::floordiv(columns, unit);
    schedule_.units = ir::ceildiv(columns, unit);
    if (ir::mod(columns, unit) == Dim(0)) return;
    if (!columns.is_constant()) {
      schedule_.tail = ColumnTail::kRunTime;
      return;
    }
    const int64_t left = columns.value() % unit;
    schedule_.tail = ColumnTail::kFixed;
    schedule_.tail_vectors = static_cast<int>(ceil_quotient(left, schedule_.lanes));
    schedule_.tail_masked = left % schedule_.lanes != 0;
    schedule_.full_units = columns.value() >= unit;
  }

  // The pixels of tile `t` that are inside of x at each tap; extents are known.
  TileShape shape_of(int64_t first, int width) const {
    const Tap& tap = contraction_.pixels.tap;
    TileShape shape{width, {}};
    for (int64_t k = 0; k < tap.kernel; ++k) {
      uint32_t bits = 0;
      for (int p = 0; p < width; ++p) {
        const int64_t at =
            (first + p) * tap.stride + k * tap.dilation - tap.pad.constant().value_or(0);
        const bool inside = !contraction_.pixels.windowed || (at >= 0 && at < tap.input.value());
        bits |= static_cast<uint32_t>(inside) << p;
      }
      shape.active.push_back(bits);
    }
    return shape;
  }

  TileShape full_shape(int width) const {
    const auto bits = static_cast<uint32_t>((uint64_t{1} << width) - 1);
    return {width, std::vector<uint32_t>(contraction_.pixels.tap.kernel, bits)};
  }

  // Tiles of equal width where the number of pixels is known.
  bool cut_pixels_fixed() {
    const Axis& pixels = contraction_.pixels;
    const int widest = schedule_.pixels;
    if (!pixels.extent.is_constant()) {
      if (pixels.windowed || ir::mod(pixels.extent, widest) != Dim(0)) return false;
      schedule_.fixed = true;
      schedule_.inner = full_shape(widest);
      schedule_.tiles = ir::floordiv(pixels.extent, widest);
      return true;
    }
    if (pixels.windowed && !(pixels.tap.pad.is_constant() && pixels.tap.input.is_constant()))
      return false;
    const int64_t extent = pixels.extent.value();
    const int64_t tiles = std::max<int64_t>(ceil_quotient(extent, widest), 1);
    const int width = static_cast<int>(std::max<int64_t>(ceil_quotient(extent, tiles), 1));
    schedule_.inner = full_shape(width);
    schedule_.tiles = ceil_quotient(extent, width);
    if (!find_border_tiles(extent, schedule_.tiles.value(), width)) return false;
    schedule_.fixed = true;
    schedule_.pixels = width;
    return true;
  }

  bool find_border_tiles(int64_t extent, int64_t tiles, int width) {
    const auto shape = [&](int64_t t) {
      return shape_of(t * width, static_cast<int>(std::min<int64_t>(width, extent - t * width)));
    };
    std::vector<TileShape> left, right;
    int64_t first = 0;
    int64_t last = tiles;
    for (; first < last && shape(first) != schedule_.inner; ++first) {
      if (left.size() == kMaxBorderVariants) return false;
      left.push_back(shape(first));
    }
    for (; last > first && shape(last - 1) != schedule_.inner; --last) {
      if (left.size() + right.size() == kMaxBorderVariants) return false;
      right.insert(right.begin(), shape(last - 1));
    }
    schedule_.left = std::move(left);
    schedule_.right = std::move(right);
    schedule_.has_inner = last > first;
    return true;
  }

  void cut_pixels_at_run_time() {
    schedule_.fixed = false;
    schedule_.inner = full_shape(schedule_.pixels);
    schedule_.tiles = ir::ceildiv(contraction_.pixels.extent, schedule_.pixels);
    int width = schedule_.pixels;
    if (width % 2 == 0) schedule_.rest.push_back(width /= 2);
    int power = 1;
    while (power * 2 < width) power *= 2;
    for (; power >= 1 && power < width; power /= 2) schedule_.rest.push_back(power);
  }

  // `total` in equal parts of at least `part`, at most all of it.
  static Dim equal_part(const Dim& total, const Dim& part) {
    const Dim some = ir::max(total, 1);
    const Dim parts = ir::ceildiv(some, ir::max(ir::min(part, some), 1));
    return ir::ceildiv(some, parts);
  }

  // Weights that stay in L2 are used whole by each chunk; larger ones are cut by units first, so
  // that chunks that follow each other share theirs.
  void cut_chunks() {
    const Dim additions = ir::max(contraction_.additions(), 1);
    const Dim unit_tile = additions * Dim(schedule_.pixels * schedule_.vectors * schedule_.lanes);
    const Dim wanted = ir::ceildiv(kChunkProducts, unit_tile);
    const Dim weights = additions * contraction_.columns * Dim(ir::size_of(contraction_.dtype));
    const std::optional<int64_t> bytes = weights.constant();
    const Dim rows = contraction_.row_count();
    const Dim& tiles = schedule_.tiles;
    const bool cached = bytes && *bytes <= kCachedWeights;
    const Dim positions = ir::max(rows * tiles, 1);
    schedule_.chunk_units = cached ? ir::max(schedule_.units, 1)
                                   : equal_part(schedule_.units, ir::ceildiv(wanted, positions));
    const Dim wanted_tiles = ir::ceildiv(wanted, schedule_.chunk_units);
    schedule_.chunk_tiles = equal_part(tiles, wanted_tiles);
    schedule_.chunk_rows = equal_part(rows, ir::floordiv(wanted_tiles, ir::max(tiles, 1)));
    schedule_.row_chunks = ir::ceildiv(rows, schedule_.chunk_rows);
    schedule_.tile_chunks = ir::ceildiv(tiles, schedule_.chunk_tiles);
    schedule_.unit_chunks = ir::ceildiv(schedule_.units, schedule_.chunk_units);
  }

  const Contraction& contraction_;
  const ir::CpuLevel& level_;
  Schedule schedule_;
};

}  // namespace

Schedule schedule_of(const Contraction& contraction, const ir::CpuLevel& level) {
  return Scheduler(contraction, level).run();
}

}  // namespace dovetail::kernels
