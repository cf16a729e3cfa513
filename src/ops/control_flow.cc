// If, Loop and Scan: the importer makes them, since they hold graphs; here stands what there is.
#include "ops/op.h"

namespace dovetail::ops {

std::span<const OpDef> control_flow_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "If",
       .outputs = {1, kAnyNumber},
       .dtypes = kBools,
       .limits =
           "results of branches may differ in extents, and in rank only when the condition is "
           "known when the model is compiled; sequences and optionals are refused"},
      {.name = "Loop",
       .inputs = {0, kAnyNumber},
       .outputs = {1, kAnyNumber},
       .limits =
           "states may change their extents, not their rank; one that begins with an extent "
           "of 1 and grows is not broadcast in the body; sequences and optionals are refused"},
      {.name = "Scan",
       .since = 8,
       .inputs = {1, kAnyNumber},
       .outputs = {1, kAnyNumber},
       .limits = "states as those of Loop; in opset 8 without sequence_lens"}};
  return ops;
}

}  // namespace dovetail::ops
