#include "kernels/window/window_kernel.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "ir/scalar_cost.h"
#include "kernels/contract/schedule.h"
#include "kernels/task_writer.h"
#include "kernels/window/window_tile.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using loop::Value;

constexpr int64_t kChunkTaps = 1 << 18;  // about 20 us of one core
constexpr int64_t kMaxTileRows = 4;

// An axis before the rows: N, or a spatial axis of three.
struct OuterAxis {
  Value extent, pad, input, padded;
  std::vector<Value> steps;
  int spatial = -1;  // its number in the window
};

class WindowKernel {
 public:
  WindowKernel(const Request& request, WindowWork work)
      : request_(request),
        work_(std::move(work)),
        window_(work_.window),
        rank_(window_.rank()),
        types_(work_.types),
        lanes_(choose_lanes()),
        pixels_(pixel_axis()),
        tiles_(cut_pixels(pixels_, request.level->vector_registers >= 32 ? 7 : 4)),
        rows_(choose_rows()),
        writer_(work_.name, request),
        code_(writer_.code()),
        tile_(code_, work_, rows_, ir::mod(out_rows(), rows_) == Dim(0)) {}

  Call make() {
    declare_tensors();
    declare_outer();
    declare_window();
    declare_channels();
    declare_grid();
    const Value chunk = code_.chunk();
    const Range tiles = part_of(chunk % tile_chunks_, chunk_tiles_, loop_->tile_count());
    const Range units = part_of(chunk / tile_chunks_, chunk_units_, units_);
    code_.for_each("unit", units.begin, units.end, 1,
                   [&](const Value& unit) { emit_unit(unit, tiles); });
    return writer_.finish(chunks_);
  }

 private:
  // Few channels take a part of a vector.
  int choose_lanes() const {
    int lanes = request_.level->vector_bytes / ir::size_of(types_.sum);
    const std::optional<int64_t> channels = x().shape.back().constant();
    while (channels && lanes > 1 && lanes > *channels) lanes /= 2;
    return lanes;
  }

  // As many rows as keep the sums in registers; loops over taps take one.
  int choose_rows() const {
    if (rank_ == 1 || !WindowTile::is_unrolled(window_)) return 1;
    const int sums = request_.level->vector_registers >= 32 ? 16 : 8;
    int64_t rows = std::clamp<int64_t>(sums / tiles_.inner.width, 1, kMaxTileRows);
    if (const std::optional<int64_t> all = out_rows().constant())
      rows = std::clamp<int64_t>(*all, 1, rows);
    return static_cast<int>(rows);
  }

  const Layout& x() const { return request_.operands[0]; }
  const Layout& y() const { return request_.results[0]; }
  const Layout& layout(size_t t) const {
    return t < request_.operands.size() ? request_.operands[t] : y();
  }
  bool is_weights(size_t t) const { return work_.op == WindowOp::kProducts && t == 1; }
  Dim out_rows() const { return rank_ > 1 ? y().shape[rank_ - 1] : Dim(1); }
  Dim bytes(size_t t, const Dim& elements) const {
    return elements * Dim(ir::size_of(layout(t).dtype));
  }

  Axis pixel_axis() const {
    Axis axis{.extent = y().shape[rank_], .strides = {}, .windowed = true, .tap = {}};
    axis.tap = {window_.kernel.back(), window_.strides.back(), window_.dilations.back(),
                window_.pad_lo.back(), x().shape[rank_],       x().strides[rank_],
                x().shape.back()};
    return axis;
  }

  // x begins where the padding does, so that taps count from there.
  void declare_tensors() {
    Dim before = 0;
    for (int i = 0; i < rank_; ++i) before += window_.pad_lo[i] * x().strides[i + 1];
    for (size_t t = 0; t <= request_.operands.size(); ++t) {
      tensors_.push_back(writer_.pointer(fmt::format("t{}", t), static_cast<int>(t),
                                         t == 0 ? bytes(0, Dim(0) - before) : Dim(0)));
    }
  }

  // Bytes between neighbours along an axis of y; not valid for the weights and what repeats. (Over
  // one row of x windows move all the same: into its padding.)
  std::vector<Value> steps_along(int axis) {
    std::vector<Value> steps;
    for (size_t t = 0; t < tensors_.size(); ++t) {
      const bool moves_window = t == 0 && axis > 0;
      const bool stays = is_weights(t) || (layout(t).shape[axis] == Dim(1) && !moves_window);
      Dim stride = stays ? Dim(0) : layout(t).strides[axis];
      if (t == 0 && axis > 0) stride *= window_.strides[axis - 1];
      steps.push_back(stride == Dim(0)
                          ? Value()
                          : writer_.integer(fmt::format("step{}_{}", t, axis), bytes(t, stride)));
    }
    return steps;
  }

  void declare_outer() {
    for (int axis = 0; axis < std::max(rank_ - 1, 1); ++axis) {
      OuterAxis outer;
      outer.extent = writer_.integer(fmt::format("extent{}", axis), y().shape[axis]);
      outer.steps = steps_along(axis);
      if (axis > 0) {
        outer.spatial = axis - 1;
        outer.pad = writer_.integer(fmt::format("pad{}", axis), window_.pad_lo[axis - 1]);
        outer.input = writer_.integer(fmt::format("in{}", axis), x().shape[axis]);
        outer.padded = padded(fmt::format("padded{}", axis), axis - 1);
      }
      outer_.push_back(std::move(outer));
    }
  }

  void declare_window() {
    Dim w_tap = x().shape.back();
    steps_.w_tap.resize(rank_);
    steps_.x_tap.resize(rank_);
    for (int i = rank_; i-- > 0;) {
      if (work_.op == WindowOp::kProducts)
        steps_.w_tap[i] = writer_.integer(fmt::format("w_tap{}", i), bytes(1, w_tap));
      steps_.x_tap[i] = writer_.integer(fmt::format("x_tap{}", i),
                                        bytes(0, x().strides[i + 1] * Dim(window_.dilations[i])));
      w_tap *= window_.kernel[i];
    }
    steps_.x_pixel = writer_.inner_step("x_pixel", bytes(0, x().strides[rank_]));
    steps_.pixel = steps_along(rank_);
    if (work_.op == WindowOp::kAveragePadded) {
      steps_.pixel_pad = writer_.integer("pixel_pad", window_.pad_lo[rank_ - 1]);
      steps_.padded_pixels = padded("padded_pixels", rank_ - 1);
    }
    steps_.row.resize(tensors_.size());
    if (rank_ > 1) {
      steps_.x_row = writer_.integer("x_row", bytes(0, x().strides[rank_ - 1]));
      steps_.row = steps_along(rank_ - 1);
      steps_.in_rows = writer_.integer("in_rows", x().shape[rank_ - 1]);
      steps_.out_rows = writer_.integer("out_rows", out_rows());
      steps_.padded_rows = padded("padded_rows", rank_ - 2);
      steps_.row_pad = writer_.integer("row_pad", window_.pad_lo[rank_ - 2]);
    }
    loop_.emplace(writer_, pixels_, tiles_);
  }

  // The extent of x with its upper padding, where averages count that.
  Value padded(const std::string& name, int axis) {
    if (work_.op != WindowOp::kAveragePadded) return {};
    return writer_.integer(name, x().shape[axis + 1] + window_.pad_hi[axis]);
  }

  void declare_channels() {
    channels_ = writer_.integer("channels", x().shape.back());
    whole_vectors_ = ir::mod(x().shape.back(), lanes_) == Dim(0);
    if (!types_.epilogue || !ir::has_elementary(*types_.epilogue)) return;
    const int64_t bytes = int64_t{tiles_.inner.width} * lanes_ * ir::size_of(types_.sum);
    scratch_bytes_ = (bytes + 63) / 64 * 64;
    scratch_ = writer_.scratch(scratch_bytes_);
  }

  void declare_grid() {
    Dim taps = x().shape.back();
    for (int i = 0; i < rank_; ++i) taps *= window_.kernel[i];
    Dim units = ir::ceildiv(out_rows(), rows_);
    if (rank_ > 1) row_tiles_ = writer_.integer("row_tiles", units);
    for (int axis = 0; axis < std::max(rank_ - 1, 1); ++axis) units *= y().shape[axis];
    const Dim tile = ir::max(taps * Dim(tiles_.inner.width) * Dim(rows_), 1);
    const Dim wanted = ir::ceildiv(Dim(kChunkTaps), tile);
    const Dim chunk_tiles = equal_part(tiles_.tiles, wanted);
    const Dim chunk_units = equal_part(units, ir::floordiv(wanted, ir::max(tiles_.tiles, 1)));
    const Dim tile_chunks = ir::ceildiv(tiles_.tiles, chunk_tiles);
    units_ = writer_.integer("units", units);
    chunk_tiles_ = writer_.integer("chunk_tiles", chunk_tiles);
    chunk_units_ = writer_.integer("chunk_units", chunk_units);
    tile_chunks_ = writer_.integer("tile_chunks", tile_chunks);
    chunks_ = tile_chunks * ir::ceildiv(units, chunk_units);
    // The worker is an argument behind all parameters.
    if (scratch_.valid()) steps_.scratch = code_.address(scratch_, code_.worker() * scratch_bytes_);
    tile_.set_steps(steps_);
  }

  // A unit is a row of tiles.
  void emit_unit(const Value& unit, const Range& tiles) {
    WindowPlace place;
    place.tensors = tensors_;
    Value rest = unit;
    if (rank_ > 1) {
      place.first_row = rest % row_tiles_ * rows_;
      rest = rest / row_tiles_;
      move(place.tensors, steps_.row, place.first_row);
    }
    for (size_t i = outer_.size(); i-- > 0;) {
      const OuterAxis& axis = outer_[i];
      const Value position = i == 0 ? rest : rest % axis.extent;
      if (i > 0) rest = rest / axis.extent;
      move(place.tensors, axis.steps, position);
      if (axis.spatial < 0) continue;
      const Tap tap{.kernel = window_.kernel[axis.spatial],
                    .stride = window_.strides[axis.spatial],
                    .dilation = window_.dilations[axis.spatial]};
      place.taps.insert(place.taps.begin(), taps_inside(position, tap, axis.pad, axis.input));
      if (axis.padded.valid()) {
        const Value end = taps_inside(position, tap, axis.pad, axis.padded).end;
        place.outer_count = place.outer_count.valid() ? place.outer_count * end : end;
      }
    }
    const auto at = [&](const Value& pixel) {
      WindowPlace result = place;
      move(result.tensors, steps_.pixel, pixel);
      result.first_pixel = pixel;
      return result;
    };
    PixelLoop::Body body;
    body.tile = [&](const TileShape& shape, const Value& first) {
      WindowPlace here = at(first);
      tile_.count(shape, &here);
      each_block(here, [&](const WindowPlace& block) { tile_.tile(shape, block); });
    };
    body.pixel = [&](const Value& pixel, const Range& taps) {
      WindowPlace here = at(pixel);
      tile_.count(taps, &here);
      each_block(here, [&](const WindowPlace& block) { tile_.pixel(taps, block); });
    };
    loop_->run(tiles, body);
  }

  void move(std::vector<Value>& tensors, const std::vector<Value>& steps, const Value& count) {
    for (size_t t = 0; t < tensors.size(); ++t) {
      if (steps[t].valid()) tensors[t] = code_.address(tensors[t], steps[t] * count);
    }
  }

  // Vectors of channels; the last one overlaps the one before it, or is masked when the number of
  // channels is known at run time only.
  void each_block(const WindowPlace& place, const std::function<void(const WindowPlace&)>& body) {
    const Value zero = code_.constant(int64_t{0});
    const auto block = [&](const Value& first, const Value& count) {
      WindowPlace here = place;
      here.channels = {first, count, lanes_};
      const Value offset = code_.element(first, types_.dtype);
      here.tensors[0] = code_.address(place.tensors[0], offset);
      if (is_weights(1)) here.tensors[1] = code_.address(place.tensors[1], offset);
      body(here);
    };
    if (x().shape.back().is_constant()) {
      code_.for_each("channel", zero, channels_, lanes_, [&](const Value& c) {
        block(whole_vectors_ ? c : min(c, channels_ - lanes_), {});
      });
      return;
    }
    const Value full = channels_ / lanes_ * lanes_;
    code_.for_each("channel", zero, full, lanes_, [&](const Value& c) { block(c, {}); });
    if (!whole_vectors_) code_.if_(full < channels_, [&] { block(full, channels_ - full); });
  }

  const Request& request_;
  WindowWork work_;
  const ir::Window& window_;
  int rank_;
  const Contraction& types_;
  int lanes_;
  Axis pixels_;
  PixelTiles tiles_;
  int rows_;  // of a tile
  TaskWriter writer_;
  loop::Builder& code_;
  WindowTile tile_;
  std::optional<PixelLoop> loop_;
  WindowSteps steps_;
  std::vector<Value> tensors_;
  std::vector<OuterAxis> outer_;
  bool whole_vectors_ = false;
  Value channels_, scratch_, row_tiles_, units_, chunk_tiles_, chunk_units_, tile_chunks_;
  int64_t scratch_bytes_ = 0;  // of a worker
  Dim chunks_;
};

}  // namespace

std::string window_text(const ir::Window& window) {
  std::string text;
  for (int i = 0; i < window.rank(); ++i)
    text += fmt::format("{}{}", i ? "x" : "", window.kernel[i]);
  return fmt::format("{}_s{}", text, window.strides.back());
}

Call window_call(const Request& request, WindowWork work) {
  return WindowKernel(request, std::move(work)).make();
}

}  // namespace dovetail::kernels
