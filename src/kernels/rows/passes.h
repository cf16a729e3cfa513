// What each pass of a rows kernel computes: pass p finishes the reductions of depth p + 1.
#pragma once

#include <map>
#include <vector>

#include "kernels/rows/body.h"

namespace dovetail::kernels::rows {

struct Pass {
  std::vector<int> reduces;      // values
  std::vector<int> outputs;      // results of the node that vary along the row: stored in the loops
  std::vector<int> row_outputs;  // results with one value for each row, known before the loops
  std::vector<int> invariant;    // values used in the loops that stay the same in them
  bool expensive = false;        // an elementary function is computed in its loops
};

// An expensive value that later passes need again waits in the place of a result of its dtype,
// which is stored last.
struct Saved {
  int pass;    // that computes it
  int result;  // index among the results
};

struct Passes {
  std::vector<Pass> passes;
  std::map<int, Saved> saved;  // by value
};

Passes passes_of(const Body& body);

// Elements of the domain in a chunk of about 20 us on one core, a power of two.
int64_t elements_per_chunk(const Body& body, bool by_vectors);

// "add_relu", "softmax", "sum_mul", "copy".
std::string kernel_name(const Body& body);

}  // namespace dovetail::kernels::rows
