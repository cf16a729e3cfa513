// The plan of a model: its buffers and the ordered steps over them, ready for code generation.
#pragma once

#include <string>
#include <vector>

#include "ir/dim.h"
#include "ir/graph.h"

namespace dovetail::ir {

// A piece of memory. Views share the buffer of the value they look at.
struct Buffer {
  enum class Kind : uint8_t { kInput, kOutput, kWeights, kWorkspace };
  Kind kind = Kind::kWorkspace;
  int index = 0;  // kInput, kOutput: which; kWeights: number of the weight
  Dim bytes;
  Dim offset =
      0;  // kWorkspace: from its start, set by plan_memory; kWeights: set when they are laid out
  int first_step = 0, last_step = -1;  // live range over steps (kWorkspace)
};

// Where a value lies: element [i0, i1, ...] is at offset + sum(i * stride) bytes * element size.
struct Placement {
  int buffer = -1;
  Dim offset = 0;            // bytes
  std::vector<Dim> strides;  // elements, one per axis
};

struct StepArgument {
  enum class Kind : uint8_t { kPointer, kInt, kScratch };
  Kind kind = Kind::kInt;
  int buffer = -1;
  Dim value;  // kPointer: bytes from the buffer's start
};

struct Step {
  int function = 0;  // index into the kernels of the program
  std::vector<StepArgument> arguments;
  Dim chunks = 1;
  Dim scratch = 0;  // bytes for each worker
  std::vector<std::string> origins;
};

struct Plan {
  std::vector<Buffer> buffers;
  std::vector<Step> steps;
  Dim workspace = 0;  // bytes without scratch
  Dim scratch = 0;    // bytes for each worker: the largest of the steps
};

}  // namespace dovetail::ir
