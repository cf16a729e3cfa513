// The code of one register tile: sums over taps and channels, then the epilogue and the stores.
#pragma once

#include <functional>
#include <vector>

#include "kernels/contract/pixel_loop.h"
#include "kernels/contract/schedule.h"
#include "kernels/task_writer.h"

namespace dovetail::kernels {

// Columns of a tile: `vectors` from a unit's first column on. `count` >= 0: valid lanes of the
// last.
struct Unit {
  int vectors = 1;
  std::vector<loop::Value> weights;  // where the unit begins in each of its panels
  loop::Value column;                // first column
  loop::Value count = {};            // valid: lanes of the last vector; else all of them
  // Valid where tiles fetch ahead: bytes to the next unit, and the number of this tile.
  loop::Value ahead = {}, tile = {};
};

// The taps of a row axis that are inside of x, and steps in bytes.
struct RowTaps {
  Range taps;
  loop::Value x_step, w_step;
};

// Addresses of a row or of a tile in it: of each operand (the weights' are the unit's, moved by the
// row's batch or group) and the result.
struct Place {
  std::vector<loop::Value> tensors;
  std::vector<RowTaps> taps;
};

// Steps in bytes between pixels, taps and channels.
struct Steps {
  std::vector<loop::Value> pixel;  // of each operand and the result; not valid: 0
  loop::Value x_tap, w_tap;        // along the window's pixel axis
  loop::Value w_channel;
  loop::Value channels;
  loop::Value share;  // of w_channel, that each tile fetches ahead
};

class TileCode {
 public:
  TileCode(loop::Builder& code, const Contraction& contraction, const Schedule& schedule)
      : code_(code), contraction_(contraction), schedule_(schedule) {}

  // `steps` once the parameters are there.
  void set_steps(Steps steps) { steps_ = std::move(steps); }
  // This worker's own, when the schedule asks for it.
  void set_scratch(loop::Value scratch) { scratch_ = scratch; }

  void tile(const TileShape& shape, const Unit& unit, const Place& place);
  // One pixel whose range of taps along the row is known at run time.
  void pixel(const Range& taps, const Unit& unit, const Place& place);

 private:
  using Accumulators = std::vector<std::vector<loop::Var>>;  // [pixel][vector]
  struct Source {
    loop::Value x;
    std::vector<loop::Value> w;
  };

  loop::Type vector_type(ir::DType dtype) const { return loop::vector(dtype, schedule_.lanes); }
  Accumulators zeros(int width, const Unit& unit);
  void row_taps(size_t axis, const Place& place, const Source& source,
                const std::function<void(const Source&)>& body);
  Source moved(const Source& source, const loop::Value& x, const loop::Value& w);
  void window_taps(const TileShape& shape, const Unit& unit, const Source& source,
                   const Accumulators& sums);
  void channels(uint32_t active, const loop::Value& count, const Unit& unit, const Source& source,
                const Accumulators& sums);
  // `channels` with vectors along the channels.
  void channel_vectors(uint32_t active, const loop::Value& count, const Unit& unit,
                       const Source& source, const Accumulators& sums);
  loop::Value load_channels(const loop::Value& pointer, const loop::Value& offset,
                            const loop::Value& count);
  // What each channel of a tile asks for of the next unit's weights; null: nothing.
  std::function<void(const loop::Value& channel)> fetch_ahead(const loop::Value& count,
                                                              const Unit& unit,
                                                              const Source& source);
  void add_product(const loop::Var& sum, const loop::Value& x, const loop::Value& w);
  std::vector<loop::Value> load_weights(const Unit& unit, const Source& source,
                                        const loop::Value& channel);
  void finish_columns(int width, const Unit& unit, const Place& place, const Accumulators& sums);
  void finish(int width, const Unit& unit, const Place& place, const Accumulators& sums);
  // Calls `store` for every pixel with its sums and its number.
  void each_pixel(int width, const Accumulators& sums,
                  const std::function<void(const std::vector<loop::Value>& sums,
                                           const loop::Value& pixel)>& store);
  std::vector<loop::Value> at_pixel(const loop::Value& pixel, const Place& place);

  loop::Builder& code_;
  const Contraction& contraction_;
  const Schedule& schedule_;
  Steps steps_;
  loop::Value scratch_;
};

}  // namespace dovetail::kernels
