#include "kernels/contract/schedule.h"

#include <algorithm>

#include "base/error.h"
#include "ir/scalar_cost.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;

constexpr int64_t kChunkProducts = 1 << 20;     // about 20 us of one core
constexpr int64_t kCachedWeights = 512 * 1024;  // bytes of weights that stay in L2
constexpr int64_t kFetchedUnit = 320 * 1024;    // bytes of a unit, of which two stay in L2
constexpr int64_t kFewPositions = 32;
constexpr int64_t kCacheSetStride = 4096;  // rows so far apart share their L1 sets

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
    schedule_.pixel_tiles = cut_pixels(contraction_.pixels, schedule_.pixels);
    schedule_.pixels = schedule_.pixel_tiles.inner.width;
    if (contraction_.epilogue && ir::has_elementary(*contraction_.epilogue) &&
        !schedule_.along_channels) {
      schedule_.scratch = int64_t{schedule_.pixels} * schedule_.vectors * schedule_.lanes *
                          ir::size_of(contraction_.sum);
      schedule_.scratch = ceil_quotient(schedule_.scratch, 64) * 64;
    }
    cut_chunks();
    return std::move(schedule_);
  }

 private:
  void choose_register_tile() {
    if (contraction_.panel == 1) {
      const int sums = level_.vector_registers >= 32 ? 24 : 8;
      schedule_.along_channels = true;
      schedule_.lanes = level_.vector_bytes / ir::size_of(contraction_.sum);
      schedule_.vectors =
          static_cast<int>(std::clamp<int64_t>(contraction_.columns.value(), 1, sums / 2));
      // Beside the sums, the registers hold x of each pixel and a vector of weights.
      schedule_.pixels = std::min(sums / schedule_.vectors, sums / 4);
      return;
    }
    RegisterTile tile = register_tile(level_, contraction_.sum, contraction_.panel);
    const std::optional<int64_t> columns = contraction_.columns.constant();
    // Few columns take a part of a vector.
    while (columns && tile.lanes > 1 && tile.lanes / 2 >= *columns) tile.lanes /= 2;
    const bool many = level_.vector_registers >= 32;
    const std::optional<int64_t> extent = contraction_.pixels.extent.constant();
    const bool wide = !columns || *columns >= int64_t{2} * tile.vectors * tile.lanes;
    // Twice the columns for few pixels: with 16 registers the weights then leave room for 8 sums.
    const int few = many ? tile.pixels / 2 : 2;
    const bool crowded = many && rows_share_cache_sets();
    schedule_.lanes = tile.lanes;
    schedule_.vectors = tile.vectors;
    schedule_.pixels = tile.pixels;
    if (wide && ((extent && *extent <= few) || crowded)) {
      schedule_.vectors = 2 * tile.vectors;
      schedule_.pixels = few;
    }
    if (crowded) schedule_.pixels = std::min(schedule_.pixels, 6);
  }

  bool rows_share_cache_sets() const {
    const std::optional<int64_t> stride = contraction_.pixels.strides[0].constant();
    return stride && *stride != 0 &&
           *stride * ir::size_of(contraction_.dtype) % kCacheSetStride == 0;
  }

  void cut_columns() {
    const int unit = schedule_.unit_columns();
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
    const int64_t width = schedule_.along_channels ? 1 : schedule_.lanes;
    schedule_.tail_vectors = static_cast<int>(ceil_quotient(left, width));
    schedule_.tail_masked = left % width != 0;
    schedule_.full_units = columns.value() >= unit;
  }

  // Whether the first tile of a unit, which alone waits for the weights, is a good part of all.
  bool fetches_ahead(const Dim& additions, const Dim& positions) const {
    if (!contraction_.panel || schedule_.along_channels) return false;
    if (schedule_.unit_columns() % contraction_.panel != 0) return false;
    for (const Axis& axis : contraction_.rows) {
      if (axis.strides[1] != Dim(0)) return false;  // weights of its own
    }
    const Dim bytes = additions * Dim(schedule_.unit_columns() * ir::size_of(contraction_.dtype));
    const int64_t tiles = positions.constant().value_or(kFewPositions);
    return bytes.is_constant() && bytes.value() <= kFetchedUnit && tiles >= 2 &&
           tiles <= kFewPositions;
  }

  // Weights that stay in L2 are used whole by each chunk; larger ones are cut by units first, so
  // that chunks that follow each other share theirs.
  void cut_chunks() {
    const Dim additions = ir::max(contraction_.additions(), 1);
    const Dim unit_tile = additions * Dim(schedule_.pixels * schedule_.unit_columns());
    const Dim wanted = ir::ceildiv(kChunkProducts, unit_tile);
    const Dim weights = additions * contraction_.columns * Dim(ir::size_of(contraction_.dtype));
    const std::optional<int64_t> bytes = weights.constant();
    const Dim rows = contraction_.row_count();
    const Dim& tiles = schedule_.pixel_tiles.tiles;
    const bool cached = bytes && *bytes <= kCachedWeights;
    const Dim positions = ir::max(rows * tiles, 1);
    schedule_.chunk_units = cached ? ir::max(schedule_.units, 1)
                                   : equal_part(schedule_.units, ir::ceildiv(wanted, positions));
    schedule_.fetches_ahead = !cached && fetches_ahead(additions, positions);
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

RegisterTile register_tile(const ir::CpuLevel& level, ir::DType sum, int panel) {
  int lanes = level.vector_bytes / ir::size_of(sum);
  if (panel) lanes = std::min(lanes, panel);
  const bool many = level.vector_registers >= 32;
  const bool arm = level.family == ir::Family::kAArch64;
  const int accumulators = many ? (arm ? 24 : 28) : (level.fma ? 12 : 8);
  const int vectors = arm ? 4 : 2;
  return {lanes, vectors, accumulators / vectors};
}

Dim equal_part(const Dim& total, const Dim& part) {
  const Dim some = ir::max(total, 1);
  const Dim parts = ir::ceildiv(some, ir::max(ir::min(part, some), 1));
  return ir::ceildiv(some, parts);
}

Schedule schedule_of(const Contraction& contraction, const ir::CpuLevel& level) {
  return Scheduler(contraction, level).run();
}

}  // namespace dovetail::kernels
