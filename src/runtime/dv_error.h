// Errors of abi.h as exceptions.
#pragma once

#include <dovetail/abi.h>

namespace dovetail::runtime {

// Throws the error unless `code` is DV_OK.
void check(int32_t code, const dv_error& error);

}  // namespace dovetail::runtime
