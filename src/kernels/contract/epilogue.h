// The epilogue of a contraction on vectors of sums, and their stores.
#pragma once

#include <vector>

#include "kernels/contract/contraction.h"

namespace dovetail::kernels {

// One vector of neighbouring columns. `count` valid: only so many lanes exist.
struct Columns {
  loop::Value first;
  loop::Value count;
  int lanes = 1;
};

class Epilogue {
 public:
  // `moves[t]`: tensor t has other elements for other pixels of a tile.
  Epilogue(loop::Builder& code, const Contraction& contraction, std::vector<bool> moves)
      : code_(code), contraction_(contraction), moves_(std::move(moves)) {}

  // The operands that are the same for every pixel of a tile, loaded once; others not valid.
  std::vector<loop::Value> load_shared(const std::vector<loop::Value>& tensors,
                                       const Columns& columns) const;
  // Applies the epilogue to `sum` and stores it; `tensors` are at the pixel, column 0.
  void store(const loop::Value& sum, const std::vector<loop::Value>& shared,
             const std::vector<loop::Value>& tensors, const Columns& columns) const;

 private:
  loop::Value load(int operand, const loop::Value& at, const Columns& columns) const;

  loop::Builder& code_;
  const Contraction& contraction_;
  std::vector<bool> moves_;
};

}  // namespace dovetail::kernels
