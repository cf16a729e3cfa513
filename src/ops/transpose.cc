// Transpose: y axis i is x axis perm[i]; without perm, the axes reversed.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

Values lower_transpose(LowerContext& c) {
  const int rank = c.x(0)->rank();
  std::vector<int> perm(rank);
  std::iota(perm.rbegin(), perm.rend(), 0);
  if (c.has_attribute("perm")) {
    const Ints& given = c.integers("perm");
    Ints sorted = given;
    std::sort(sorted.begin(), sorted.end());
    Ints axes(rank);
    std::iota(axes.begin(), axes.end(), 0);
    if (sorted != axes) {
      throw_error(ErrorKind::kValue, "perm is [{}], which is no permutation of the {} axes of {}",
                  fmt::join(given, ","), rank, c.input_text(0));
    }
    perm.assign(given.begin(), given.end());
  }
  return {c.build.permute(c.x(0), perm)};
}

}  // namespace

std::span<const OpDef> transpose_ops() {
  static const std::vector<OpDef> ops = {{.name = "Transpose",
                                          .attributes = {{"perm", AttributeType::kInts}},
                                          .lower = lower_transpose}};
  return ops;
}

}  // namespace dovetail::ops
