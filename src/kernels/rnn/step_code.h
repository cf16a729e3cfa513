// The code of one step: for tiles of rows x units, the products of the state with the weights, then
// the cell.
#pragma once

#include <vector>

#include "kernels/rnn/cell.h"
#include "kernels/rnn/layer.h"
#include "kernels/task_writer.h"

namespace dovetail::kernels {

// A tensor of rows: where the chunk's first row lies, and steps in bytes.
struct Rows {
  loop::Value at;
  loop::Value row_step;
  loop::Value time_step = {};  // of xw and y
};

// What the steps of a chunk read and write.
struct LayerMemory {
  Rows xw, y, lengths;
  loop::Value weights, bias, peepholes;
  loop::Value hidden;       // H
  loop::Value panel_bytes;  // of a panel of weights
  loop::Value sums;         // scratch for the sums of a tile
};

// Where the state lies in a step. `extra` is the cell, or z and s * h of a GRU in two passes.
struct StepState {
  loop::Value time;
  loop::Value before, after;
  std::vector<loop::Value> extra;
};

class StepCode {
 public:
  StepCode(loop::Builder& code, const Layer& layer)
      : code_(code), layer_(layer), op_(layer.op), cell_(code, layer.op, layer.lanes) {}

  // `memory` once the parameters are there.
  void set_memory(const LayerMemory& memory) { memory_ = memory; }
  // All rows and units.
  void run(const StepState& state, const loop::Value& rows);

 private:
  // A vector of units; `count` valid: so many lanes exist.
  struct Vector {
    loop::Value byte_offset;
    loop::Value count;
  };
  struct Units {
    loop::Value weights;
    std::vector<Vector> vectors;
  };
  // The gates whose sums one walk over the weights makes, and what is multiplied.
  struct Pass {
    std::vector<int> gates;
    loop::Value source;
  };
  // One walk's results for a row and a vector: by gate, not valid where there is none.
  using Sums = std::vector<loop::Value>;
  using Accumulators = std::vector<std::vector<std::vector<loop::Var>>>;  // [row][gate][vector]

  std::vector<Pass> passes(const StepState& state) const;
  void all_units(const StepState& state, const Pass& pass, const loop::Value& rows);
  Units units_at(const loop::Value& unit, int vectors, const loop::Value& count);
  void row_tiles(const StepState& state, const Pass& pass, const Units& units,
                 const loop::Value& rows);
  void tile(const StepState& state, const Pass& pass, const Units& units, const loop::Value& row,
            int height);
  Accumulators first_sums(const StepState& state, const Pass& pass, const Units& units,
                          const loop::Value& row, int height);
  Accumulators zeros(const Pass& pass, const Units& units, int height);
  void multiply(const Pass& pass, const Units& units, const loop::Value& row,
                const std::vector<Accumulators>& splits);
  void add_products(const Pass& pass, const Units& units, const loop::Value& row,
                    const loop::Value& k, const Accumulators& sums);
  loop::Value weights(const Pass& pass, const Units& units, const loop::Value& k, size_t i);
  loop::Value state_element(const Pass& pass, const loop::Value& row, const loop::Value& k,
                            size_t r);
  void finish_rows(const StepState& state, const Pass& pass, const Units& units,
                   const loop::Value& row, const Accumulators& sums);
  void finish(const StepState& state, const Pass& pass, const Vector& vector,
              const loop::Value& row, const Sums& sums);
  loop::Value gru(const StepState& state, const Vector& vector, const loop::Value& row,
                  const Sums& sums);
  loop::Value lstm(const StepState& state, const Vector& vector, const loop::Value& row,
                   const Sums& sums, const loop::Value& active);
  void store_hidden(const StepState& state, const Vector& vector, const loop::Value& row,
                    loop::Value hidden, const loop::Value& active);

  bool is_first_of_two(const Pass& pass) const;
  loop::Type type() const { return loop::vector(layer_.dtype, layer_.lanes); }
  loop::Value load(const loop::Value& at, const Vector& vector);
  loop::Value load_input(const StepState& state, const Vector& vector, const loop::Value& row,
                         int gate);
  loop::Value in_state(const loop::Value& buffer, const loop::Value& row) const;
  loop::Value gate_bytes(int gate) const {
    return code_.element(memory_.hidden * gate, layer_.dtype);
  }
  loop::Value is_active(const StepState& state, const loop::Value& row);

  loop::Builder& code_;
  const Layer& layer_;
  const ir::Recurrence& op_;
  Cell cell_;
  LayerMemory memory_;
};

}  // namespace dovetail::kernels
