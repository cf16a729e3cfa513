#include "ops/lowering/scatter_kind.h"

#include <array>

#include "base/error.h"

namespace dovetail::ops {

ir::ScatterKind scatter_kind(const LowerContext& c) {
  constexpr std::array<const char*, 5> kNames = {"none", "add", "mul", "min", "max"};
  const std::string& reduction = c.text("reduction");
  for (size_t k = 0; k < kNames.size(); ++k) {
    if (reduction == kNames[k]) return static_cast<ir::ScatterKind>(k);
  }
  throw_error(ErrorKind::kValue, "reduction is '{}', expected none, add, mul, min or max",
              reduction);
}

}  // namespace dovetail::ops
