#include "kernels/contract/contract_code.h"

#include <fmt/format.h>

#include <functional>
#include <optional>

#include "kernels/contract/pixel_loop.h"
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
                       schedule_.unit_columns());
  }

  Dim bytes(int tensor, const Dim& elements) const {
    return elements * Dim(ir::size_of(contraction_.dtypes[tensor]));
  }

  // Not valid when the tensor stays where it is.
  Value step(const std::string& name, int tensor, const Axis& axis) {
    if (axis.strides[tensor] == Dim(0) && tensor != 0 && tensor != contraction_.result()) return {};
    const Dim step = bytes(tensor, axis.strides[tensor]);
    const bool inner = &axis == &contraction_.pixels && tensor == 0;
    return inner ? writer_.inner_step(name, step) : writer_.integer(name, step);
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
    if (schedule_.fetches_ahead) {
      const Dim tiles = contraction_.row_count() * schedule_.pixel_tiles.tiles;
      const int bytes = contraction_.panel * ir::size_of(contraction_.dtype);
      // A tile alone reads everything once, which the processor itself fetches ahead.
      const Dim share = ir::ceildiv(Dim(bytes), ir::max(tiles, 1));
      steps.share = writer_.integer("share", ir::select_ge(tiles, 2, share, 0));
    }
    if (pixels.windowed) {
      steps.x_tap =
          writer_.integer("tap_x", bytes(0, pixels.tap.x_stride * Dim(pixels.tap.dilation)));
      steps.w_tap = writer_.integer("tap_w", bytes(1, pixels.tap.w_stride));
    }
    steps_ = steps;
    tile_code_.set_steps(std::move(steps));
    pixel_loop_.emplace(writer_, pixels, schedule_.pixel_tiles);
  }

  void declare_grid() {
    if (contraction_.panel)
      panel_step_ = writer_.integer("panel_step", bytes(1, contraction_.panel_stride));
    row_count_ = writer_.integer("rows", contraction_.row_count());
    units_ = writer_.integer("units", schedule_.units);
    if (schedule_.tail != ColumnTail::kNone) full_ = writer_.integer("full_units", schedule_.full);
    if (schedule_.tail == ColumnTail::kRunTime)
      columns_ = writer_.integer("columns", contraction_.columns);
    if (schedule_.tail_masked) {
      const Dim count = contraction_.columns - schedule_.full * Dim(schedule_.unit_columns()) -
                        Dim((schedule_.tail_vectors - 1) * schedule_.lanes);
      tail_count_ = writer_.integer("tail", count);
    }
    chunk_rows_ = writer_.integer("chunk_rows", schedule_.chunk_rows);
    chunk_tiles_ = writer_.integer("chunk_tiles", schedule_.chunk_tiles);
    chunk_units_ = writer_.integer("chunk_units", schedule_.chunk_units);
    row_chunks_ = writer_.integer("row_chunks", schedule_.row_chunks);
    tile_chunks_ = writer_.integer("tile_chunks", schedule_.tile_chunks);
    if (schedule_.scratch) scratch_ = writer_.scratch(schedule_.scratch);
  }

  void body() {
    if (schedule_.scratch) {
      tile_code_.set_scratch(code_.address(scratch_, code_.worker() * schedule_.scratch));
    }
    const Value chunk = code_.chunk();
    chunk_of_tiles_ = part_of(chunk % tile_chunks_, chunk_tiles_, pixel_loop_->tile_count());
    const Value rest = chunk / tile_chunks_;
    chunk_of_rows_ = part_of(rest % row_chunks_, chunk_rows_, row_count_);
    const Range units = part_of(rest / row_chunks_, chunk_units_, units_);
    if (schedule_.tail == ColumnTail::kNone) {
      full_units(units.begin, units.end);
      return;
    }
    if (schedule_.full_units) full_units(units.begin, min(units.end, full_));
    code_.if_(units.end > full_, [&] { tail_unit(); });
  }

  void full_units(const Value& begin, const Value& end) {
    code_.for_each("unit", begin, end, 1, [&](const Value& unit) {
      rows(unit_at(unit * int64_t{schedule_.unit_columns()}, schedule_.vectors));
    });
  }

  void tail_unit() {
    const Value first = full_ * int64_t{schedule_.unit_columns()};
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
    const int64_t columns = schedule_.along_channels ? vectors : int64_t{vectors} * schedule_.lanes;
    for (int64_t panel = 0; panel * width < columns; ++panel) {
      unit.weights.push_back(code_.address(first, panel_step_ * panel));
    }
    return unit;
  }

  void rows(const Unit& unit) {
    code_.for_each("row", chunk_of_rows_.begin, chunk_of_rows_.end, 1, [&](const Value& row) {
      Place place{tensors_, {}};
      Unit here = unit;
      place_row(row, &place, &here);
      pixel_loop_->run(
          chunk_of_tiles_,
          {.tile =
               [&](const TileShape& shape, const Value& first) {
                 tile_code_.tile(shape, fetching(here, row, first), moved(place, first));
               },
           .pixel = [&](const Value& pixel,
                        const Range& taps) { tile_code_.pixel(taps, here, moved(place, pixel)); }});
    });
  }

  Unit fetching(Unit unit, const Value& row, const Value& first) {
    if (!schedule_.fetches_ahead) return unit;
    unit.ahead = panel_step_ * int64_t{schedule_.unit_columns() / contraction_.panel};
    unit.tile = row * pixel_loop_->tile_count() + first / int64_t{schedule_.pixels};
    return unit;
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
      place->taps.insert(place->taps.begin(), {taps, axis.x_step, axis.w_step});
    }
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

  Contraction contraction_;
  Schedule schedule_;
  TaskWriter writer_;
  loop::Builder& code_;
  TileCode tile_code_;
  std::optional<PixelLoop> pixel_loop_;

  std::vector<Value> tensors_;
  std::vector<RowAxis> rows_;
  Steps steps_;
  Value panel_step_, row_count_, units_, full_, columns_, tail_count_;
  Value scratch_, chunk_rows_, chunk_tiles_, chunk_units_, row_chunks_, tile_chunks_;
  Range chunk_of_tiles_, chunk_of_rows_;
};

}  // namespace

Call contraction_call(const Request& request) { return ContractCode(request).emit(); }

}  // namespace dovetail::kernels
