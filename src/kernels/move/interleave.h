// Copies between few streams of elements and one that holds them in turn: images of few channels
// from planes to rows of pixels and back, channel shuffles.
#pragma once

#include <optional>

#include "kernels/kernel.h"

namespace dovetail::kernels {

// The call of a copy, or of an elementwise node of one operand, when one side runs along an axis
// whose elements on the other side stand as far apart as an axis of 2 to 12 elements is long, which
// fills the gap:
//   y[..., i * streams + s] = x[..., s, i]   or   y[..., s, i] = x[..., i * streams + s]
std::optional<Call> interleave_call(const Request& request);

}  // namespace dovetail::kernels
