// Recurrent layers: RNN, GRU and LSTM cells over the steps of a sequence.
#pragma once

#include "kernels/kernel.h"

namespace dovetail::kernels {

// The call of a Recurrence node with packed weights: serial over the steps, rows of the batch in
// chunks. A step multiplies the state by the weights and applies the cell to the sums in registers.
Call recurrence_call(const Request& request);

// Stride 1 along the units; packed weights, bias and peepholes compact.
bool recurrence_accepts(const ir::Node& node, int operand, const Layout& layout);

}  // namespace dovetail::kernels
