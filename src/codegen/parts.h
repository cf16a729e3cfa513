// A module divided into objects that are generated at the same time.
#pragma once

#include <vector>

#include "ir/loop.h"

namespace dovetail::codegen {

// What one object defines; all else in the module is declared in it.
struct Part {
  std::vector<const loop::Function*> functions = {};  // in the module's order
  bool defines_data = false;                          // the first part alone
};

// Parts of about equal work, at least one. They follow from the module alone, never from the
// machine: equal modules give equal objects.
std::vector<Part> divide(const loop::Module& module);
Part whole(const loop::Module& module);

}  // namespace dovetail::codegen
