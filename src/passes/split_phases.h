// Turns every contraction over a dilated input (a transposed convolution) into dense ones that skip
// the zeros: output positions that fall on x in the same way, a phase, see the same taps of the
// window. Each phase becomes an ordinary contraction with these taps and a part of the epilogue's
// operands, and the phases are interleaved by concats and reshapes, which cost nothing: each phase
// is written where it belongs. Where there would be too many, the zeros are written instead. Runs
// after fusion, so that epilogues are there; afterwards no window dilates its input.
#pragma once

#include <functional>

#include "ir/graph.h"

namespace dovetail::passes {

// That one contraction is split into: more take minutes to compile.
constexpr int64_t kMostContractions = 256;

void split_phases(ir::Graph& graph);

// The contractions that are `wanted`, which may also have windows that are dilated themselves, with
// stride 1 and constant padding: their phases read every dilation-th element of x, by dense
// windows.
void split_phases_of(ir::Graph& graph, const std::function<bool(const ir::Node&)>& wanted);

}  // namespace dovetail::passes
