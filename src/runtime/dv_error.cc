#include "runtime/dv_error.h"

#include <dovetail/error.h>

namespace dovetail::runtime {
namespace {

ErrorKind kind_of(int32_t code) {
  switch (code) {
    case DV_VALUE_ERROR:
      return ErrorKind::kValue;
    case DV_TYPE_ERROR:
      return ErrorKind::kType;
    case DV_KEY_ERROR:
      return ErrorKind::kKey;
    case DV_MEMORY_ERROR:
      return ErrorKind::kMemory;
    case DV_RUNTIME_ERROR:
      return ErrorKind::kUnsupported;
    case DV_STATE_ERROR:
      return ErrorKind::kState;
    default:
      return ErrorKind::kInternal;
  }
}

}  // namespace

void check(int32_t code, const dv_error& error) {
  if (code != DV_OK) throw Error(kind_of(code), error.message);
}

}  // namespace dovetail::runtime
