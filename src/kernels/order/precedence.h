// The order of elements that TopK and the indices of a max pool go by, as vector code.
#pragma once

#include "ir/loop.h"

namespace dovetail::kernels::order {

// a strictly before b: larger (else smaller), NaN above every number and equal to NaN. Not of half
// precision: cast to float32 first.
loop::Value strictly_before(loop::Builder& b, const loop::Value& a, const loop::Value& other,
                            bool largest);

// The integer that orders like x: int32, or int64 for dtypes of 64 bits; the larger the earlier.
struct Key {
  ir::DType dtype;  // of keys
  int bits;         // keys are first .. first + 2^bits - 1
  int64_t first;
};
Key key_of(ir::DType dtype, bool largest);
loop::Value key_code(loop::Builder& b, const loop::Value& x, bool largest);

}  // namespace dovetail::kernels::order
