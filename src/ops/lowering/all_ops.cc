#include <algorithm>
#include <vector>

#include "ops/op.h"

namespace dovetail::ops {

// Made by CMake from the file names in src/ops: one *_ops() per file.
std::vector<std::span<const OpDef>> generated_tables();

std::span<const OpDef* const> all_ops() {
  static const std::vector<const OpDef*> ops = [] {
    std::vector<const OpDef*> result;
    for (const std::span<const OpDef> table : generated_tables()) {
      for (const OpDef& def : table) result.push_back(&def);
    }
    return result;
  }();
  return ops;
}

const OpDef* find_op(std::string_view domain, std::string_view name, int opset) {
  for (const OpDef* def : all_ops()) {
    if (def->name == name && def->domain == domain && def->since <= opset && opset <= def->until) {
      return def;
    }
  }
  return nullptr;
}

}  // namespace dovetail::ops
