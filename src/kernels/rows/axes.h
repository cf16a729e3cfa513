// The loop nest of a rows kernel: the domain's axes, collapsed, and the one that vectors run along.
#pragma once

#include <optional>
#include <vector>

#include "kernels/rows/body.h"

namespace dovetail::kernels::rows {

struct Axis {
  ir::Dim extent;
  bool reduced = false;
  std::vector<ir::Dim> strides;  // in elements, of operands then results; 0 where a tensor repeats
};

struct LoopNest {
  std::vector<Axis> kept;     // outer loops, flattened into rows
  std::vector<Axis> reduced;  // inner loops, without the vector axis
  Axis vector;                // extent 1 when there is nothing to run along
  bool contiguous = false;    // vectors run along `vector`; else elements are taken one by one
  // Transposition: the results run along `vector`, every operand along `vector` or along this axis.
  std::optional<Axis> tile;
};

// Axes of extent 1 vanish; neighbours merge when every tensor lies as one axis would.
LoopNest loop_nest(const Request& request, const Body& body);

}  // namespace dovetail::kernels::rows
