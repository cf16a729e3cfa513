#include "kernels/contract/contract_code.h"

#include <fmt/format.h>

#include <functional>
#include <optional>

#include "kernels/contract/tile_code.h"
#include "kernels/task_writer.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using loop::Value;

// Parameters of a row axis; steps in bytes, not valid where the tensor does not move.
struct RowAxis {
  Value extent;
  std::vector<Value> steps;
  Value pad, input, x_step, w_step;  // of its window
};

// A half-open range.
struct Range {
  Value begin, end;
};

class ContractCode {
 public:
  explicit ContractCode(const Request& request)
      : contraction_(describe(request)),
        schedule_(schedule_of(contraction_, *request.level)),
        writer_(name(request), request),
        code_(writer_.code()),
        tile_code_(code_, contraction_, schedule_) {}

  Call emit() {
    declare_tensors();
    declare_rows();
    declare_pixels();
    declare_grid();
    body();
    return writer_.finish(schedule_.chunks());
  }

 private:
  std::string name(const Request& request) const {
    return fmt::format("{}_{}x{}", name_of(*request.node->as<ir::Contract>()), schedule_.pixels,
                       schedule_.vectors * schedule_.lanes);
  }

  Dim bytes(int tensor, const Dim& elements) const {
    return elements * Dim(ir::size_of(contraction_.dtypes[tensor]));
  }

  // Not valid when the tensor stays where it is.
  Value step(const std::string& name, int tensor, const Axis& axis) {
    if (axis.strides[tensor] == Dim(0) && tensor != 0 && tensor != contraction_.result()) return {};
    return writer_.integer(name, bytes(tensor, axis.strides[tensor]));
  }

  std::vector<Value> steps(const std::string& name, const Axis& axis) {
    std::vector<Value> result;
    for (int t = 0; t <= contraction_.result(); ++t) {
      result.push_back(step(fmt::format("{}_step{}", name, t), t, axis));
    }
    return result;
  }

  // x begins where the padding does, so that taps count from there.
  void declare_tensors() {
    Dim before = 0;
    for (const Axis& axis : contraction_.rows) before += axis.tap.pad * axis.tap.x_stride;
    before += contraction_.pixels.tap.pad * contraction_.pixels.tap.x_stride;
    for (int t = 0; t <= contraction_.result(); ++t) {
      const std::string name = t == 0 ? "x" : t == 1 ? "w" : t == contraction_.result() ? "y" : "e";
      tensors_.push_back(writer_.pointer(name, t, t == 0 ? bytes(0, Dim(0) - before) : Dim(0)));
    }
  }

  void declare_rows() {
    for (size_t i = 0; i < contraction_.rows.size(); ++i) {
      const Axis& axis = contraction_.rows[i];
      const std::string name = fmt::format("row{}", i);
      RowAxis row;
      row.extent = writer_.integer(name, axis.extent);
      row.steps = steps(name, axis);
      if (axis.windowed) {
        row.pad = writer_.integer(name + "_pad", axis.tap.pad);
        row.input = writer_.integer(name + "_input", axis.tap.input);
        row.x_step =
            writer_.integer(name + "_tap_x", bytes(0, axis.tap.x_stride * Dim(axis.tap.dilation)));
        row.w_step = writer_.integer(name + "_tap_w", bytes(1, axis.tap.w_stride));
      }
      rows_.push_back(std::move(row));
    }
  }

  void declare_pixels() {
    const Axis& pixels = contraction_.pixels;
    Steps steps;
    steps.pixel = this->steps("pixel", pixels);
    steps.channels = writer_.integer("channels", contraction_.channels);
    if (contraction_.panel) {
      steps.w_channel =
          code_.constant(int64_t{contraction_.panel} * ir::size_of(contraction_.dtype));
    } else {
      steps.w_channel = writer_.integer("w_step", bytes(1, contraction_.w_stride));
    }
    if (pixels.windowed) {
      steps.x_tap =
          writer_.integer("tap_x", bytes(0, pixels.tap.x_stride * Dim(pixels.tap.dilation)));
      steps.w_tap = writer_.integer("tap_w", bytes(1, pixels.tap.w_stride));
    }
    steps_ = steps;
    tile_code_.set_steps(std::move(steps));
    if (schedule_.fixed) return;
    extent_ = writer_.integer("pixels", pixels.extent);
    if (!pixels.windowed) return;
    const Tap& tap = pixels.tap;
    pad_ = writer_.integer("pad", tap.pad);
    input_ = writer_.integer("input", tap.input);
    const Dim first = ir::min(ir::ceildiv(tap.pad, tap.stride), pixels.extent);
    const Dim last = tap.input + tap.pad - Dim((tap.kernel - 1) * tap.dilation + 1);
    const Dim end = ir::min(ir::floordiv(last, tap.stride) + Dim(1), pixels.extent);
    inside_ = {writer_.integer("inside_begin", first),
               writer_.integer("inside_end", ir::max(first, end))};
  }

  void declare_grid() {
    if (contraction_.panel)
      panel_step_ = writer_.integer("panel_step", bytes(1, contraction_.panel_stride));
    row_count_ = writer_.integer("rows", contraction_.row_count());
    tiles_ = writer_.integer("tiles", schedule_.tiles);
    units_ = writer_.integer("units", schedule_.units);
    if (schedule_.tail != ColumnTail::kNone) full_ = writer_.integer("full_units", schedule_.full);
    if (schedule_.tail == ColumnTail::kRunTime)
      columns_ = writer_.integer("columns", contraction_.columns);
    if (schedule_.tail_masked) {
      const Dim count = contraction_.columns -
                        schedule_.full * Dim(schedule_.vectors * schedule_.lanes) -
                        Dim((schedule_.tail_vectors - 1) * schedule_.lanes);
      tail_count_ = writer_.integer("tail", count);
    }
    chunk_rows_ = writer_.integer("chunk_rows", schedule_.chunk_rows);
    chunk_tiles_ = writer_.integer("chunk_tiles", schedule_.chunk_tiles);
    chunk_units_ = writer_.integer("chunk_units", schedule_.chunk_units);
    row_chunks_ = writer_.integer("row_chunks", schedule_.row_chunks);
    tile_chunks_ = writer_.integer("tile_chunks", schedule_.tile_chunks);
  }

  static Range part(const Value& index, const Value& size, const Value& total) {
    const Value begin = index * size;
    return {begin, min(begin + size, total)};
  }

  void body() {
    const Value chunk = code_.chunk();
    chunk_of_tiles_ = part(chunk % tile_chunks_, chunk_tiles_, tiles_);
    const Value rest = chunk / tile_chunks_;
    chunk_of_rows_ = part(rest % row_chunks_, chunk_rows_, row_count_);
    const Range units = part(rest / row_chunks_, chunk_units_, units_);
    if (schedule_.tail == ColumnTail::kNone) {
      full_units(units.begin, units.end);
      return;
    }
    if (schedule_.full_units) full_units(units.begin, min(units.end, full_));
    code_.if_(units.end > full_, [&] { tail_unit(); });
  }

  void full_units(const Value& begin, const Value& end) {
    code_.for_each("unit", begin, end, 1, [&](const Value& unit) {
      rows(unit_at(unit * int64_t{schedule_.vectors * schedule_.lanes}, schedule_.vectors));
    });
  }

  void tail_unit() {
    const Value first = full_ * int64_t{schedule_.vectors * schedule_.lanes};
    if (schedule_.tail == ColumnTail::kFixed) {
      Unit unit = unit_at(first, schedule_.tail_vectors);
      if (schedule_.tail_masked) unit.count = tail_count_;
      rows(unit);
      return;
    }
    code_.for_each("column", first, columns_, schedule_.lanes, [&](const Value& column) {
      Unit unit = unit_at(column, 1);
      unit.count = min(columns_ - column, code_.constant(int64_t{schedule_.lanes}));
      rows(unit);
    });
  }

  // Where the columns from `column` on lie in the weights; panels are a multiple or a part of a
  // unit.
  Unit unit_at(const Value& column, int vectors) {
    Unit unit{vectors, {}, column, {}};
    const int size = ir::size_of(contraction_.dtype);
    if (!contraction_.panel) {
      unit.weights = {code_.address(tensors_[1], column * size)};
      return unit;
    }
    const int64_t width = contraction_.panel;
    const Value offset = column / width * panel_step_ + column % width * size;
    const Value first = code_.address(tensors_[1], offset);
    for (int64_t panel = 0; panel * width < int64_t{vectors} * schedule_.lanes; ++panel) {
      unit.weights.push_back(code_.address(first, panel_step_ * panel));
    }
    return unit;
  }

  void rows(const Unit& unit) {
    code_.for_each("row", chunk_of_rows_.begin, chunk_of_rows_.end, 1, [&](const Value& row) {
      Place place{tensors_, {}};
      Unit here = unit;
      place_row(row, &place, &here);
      if (schedule_.fixed) {
        fixed_tiles(here, place);
      } else {
        blocks(here, place);
      }
    });
  }

  // Splits the number of a row into a position on each row axis.
  void place_row(const Value& row, Place* place, Unit* unit) {
    Value rest = row;
    for (size_t i = rows_.size(); i-- > 0;) {
      const RowAxis& axis = rows_[i];
      const Value position = i == 0 ? rest : rest % axis.extent;
      if (i > 0) rest = rest / axis.extent;
      for (size_t t = 0; t < tensors_.size(); ++t) {
        if (!axis.steps[t].valid()) continue;
        const Value offset = position * axis.steps[t];
        place->tensors[t] = code_.address(place->tensors[t], offset);
        if (t != 1) continue;
        for (Value& panel : unit->weights) panel = code_.address(panel, offset);
      }
      if (!contraction_.rows[i].windowed) continue;
      const Tap& tap = contraction_.rows[i].tap;
      const Range taps = taps_inside(position, tap, axis.pad, axis.input);
      place->taps.insert(place->taps.begin(), {taps.begin, taps.end, axis.x_step, axis.w_step});
    }
  }

  // Taps k with 0 <= position * stride + k * dilation - pad < input.
  Range taps_inside(const Value& position, const Tap& tap, const Value& pad, const Value& input) {
    const Value zero = code_.constant(int64_t{0});
    const Value before = pad - position * tap.stride;
    const Value begin = max((before + (tap.dilation - 1)) / tap.dilation, zero);
    const Value end = (before + input + (tap.dilation - 1)) / tap.dilation;
    return {begin, min(end, code_.constant(tap.kernel))};
  }

  // The place `pixel` pixels further.
  Place moved(const Place& place, const Value& pixel) {
    Place result = place;
    for (size_t t = 0; t < tensors_.size(); ++t) {
      const Value& step = steps_.pixel[t];
      if (step.valid()) result.tensors[t] = code_.address(place.tensors[t], pixel * step);
    }
    return result;
  }

  void fixed_tiles(const Unit& unit, const Place& row) {
    code_.for_each("tile", chunk_of_tiles_.begin, chunk_of_tiles_.end, 1, [&](const Value& tile) {
      const Place place = moved(row, tile * int64_t{schedule_.inner.width});
      std::vector<std::pair<Value, const TileShape*>> borders;
      for (size_t i = 0; i < schedule_.left.size(); ++i) {
        borders.emplace_back(code_.constant(static_cast<int64_t>(i)), &schedule_.left[i]);
      }
      for (size_t i = 0; i < schedule_.right.size(); ++i) {
        const auto from_end = static_cast<int64_t>(schedule_.right.size() - i);
        borders.emplace_back(tiles_ - from_end, &schedule_.right[i]);
      }
      choose_tile(borders, 0, tile, unit, place);
    });
  }

  void choose_tile(const std::vector<std::pair<Value, const TileShape*>>& borders, size_t i,
                   const Value& tile, const Unit& unit, const Place& place) {
    const bool last = i + 1 == borders.size() && !schedule_.has_inner;
    if (i == borders.size() || last) {
      tile_code_.tile(last ? *borders[i].second : schedule_.inner, unit, place);
      return;
    }
    code_.if_(
        tile == borders[i].first, [&] { tile_code_.tile(*borders[i].second, unit, place); },
        [&] { choose_tile(borders, i + 1, tile, unit, place); });
  }

  void blocks(const Unit& unit, const Place& row) {
    const int64_t width = schedule_.inner.width;
    const bool windowed = contraction_.pixels.windowed;
    code_.for_each("block", chunk_of_tiles_.begin, chunk_of_tiles_.end, 1, [&](const Value& block) {
      const Value begin = block * width;
      const Value end = min(begin + width, extent_);
      const Range inside =
          windowed ? Range{max(begin, inside_.begin), min(end, inside_.end)} : Range{begin, end};
      const auto whole = [&] { tile_code_.tile(schedule_.inner, unit, moved(row, begin)); };
      code_.if_(inside.end - inside.begin == code_.constant(width), whole, [&] {
        if (windowed) border_pixels({begin, min(end, inside_.begin)}, unit, row);
        inside_pixels(inside, unit, row);
        if (windowed) border_pixels({max(begin, inside_.end), end}, unit, row);
      });
    });
  }

  void border_pixels(const Range& range, const Unit& unit, const Place& row) {
    code_.for_each("pixel", range.begin, range.end, 1, [&](const Value& pixel) {
      const Range taps = taps_inside(pixel, contraction_.pixels.tap, pad_, input_);
      tile_code_.pixel(taps.begin, taps.end, unit, moved(row, pixel));
    });
  }

  // In pieces of falling width.
  void inside_pixels(const Range& range, const Unit& unit, const Place& row) {
    Value begin = range.begin;
    for (const int width : schedule_.rest) {
      TileShape shape{width, schedule_.inner.active};
      for (uint32_t& bits : shape.active) bits &= (uint32_t{1} << width) - 1;
      code_.for_each("piece", begin, range.end - int64_t{width - 1}, width,
                     [&](const Value& pixel) { tile_code_.tile(shape, unit, moved(row, pixel)); });
      const Value count = max(range.end - begin, code_.constant(int64_t{0}));
      begin = begin + count / int64_t{width} * int64_t{width};
    }
  }

  Contraction contraction_;
  Schedule schedule_;
  TaskWriter writer_;
  loop::Builder& code_;
  TileCode tile_code_;

  std::vector<Value> tensors_;
  std::vector<RowAxis> rows_;
  Steps steps_;
  Value extent_, pad_, input_, panel_step_, row_count_, tiles_, units_, full_, columns_,
      tail_count_;
  Value chunk_rows_, chunk_tiles_, chunk_units_, row_chunks_, tile_chunks_;
  Range inside_, chunk_of_tiles_, chunk_of_rows_;
};

}  // namespace

Call contraction_call(const Request& request) { return ContractCode(request).emit(); }

}  // namespace dovetail::kernels
