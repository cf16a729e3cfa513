// Copies and fills of a part of a node's result, for nodes that are several of them.
#pragma once

#include "kernels/kernel.h"

namespace dovetail::kernels {

// Operand `operand` of the request into the part of result 0 that starts `byte_offset` behind the
// result's first element and has the operand's shape.
Call copy_part(const Request& request, int operand, const ir::Dim& byte_offset);

// All of result 0 becomes `value`.
Call fill_result(const Request& request, double value);

}  // namespace dovetail::kernels
