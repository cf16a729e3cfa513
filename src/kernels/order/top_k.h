// TopK of any k.
#pragma once

#include "kernels/kernel.h"

namespace dovetail::kernels {

// Any strides. Each line becomes integer keys that order like its elements. The k-th largest key is
// found bit by bit: a count of the keys at or above a bound, by vectors, decides each bit. What is
// above it, and the first of those equal to it, are collected and sorted. Few elements of a line
// are mostly found by a guess of that key, from which on there are a few more.
Call top_k_call(const Request& request);

}  // namespace dovetail::kernels
