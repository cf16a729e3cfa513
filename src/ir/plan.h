// The plan of a model: its buffers and the ordered steps over them, ready for code generation.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "ir/dim.h"
#include "ir/graph.h"

namespace dovetail::ir {

// A piece of memory. Views share the buffer of the value they look at.
struct Buffer {
  // kReserved: its size is known only while the model runs; a step reserves it.
  // kSymbol: where the run keeps the value of a symbol, an int64.
  enum class Kind : uint8_t { kInput, kOutput, kWeights, kWorkspace, kReserved, kSymbol };
  Kind kind = Kind::kWorkspace;
  // kInput, kOutput: which; kWeights: number of the weight; kReserved: slot, set by plan_memory
  int index = 0;
  Dim bytes;
  Dim offset =
      0;  // kWorkspace: from its start, set by plan_memory; kWeights: set when they are laid out
  int first_step = 0, last_step = -1;  // live range over steps (kWorkspace, kReserved)
  bool grows = false;                  // Grow steps say how large it is, not `bytes`
  std::string symbol = {};             // kSymbol
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

struct Step;
using Steps = std::vector<Step>;

// A tensor that lies in memory after a step.
struct StepResult {
  std::string name;  // of the ONNX tensor
  DType dtype = DType::kF32;
  Shape shape;  // of the ONNX tensor
  Placement placement;
};

struct KernelCall {
  int function = 0;  // index into the kernels of the program
  std::vector<StepArgument> arguments;
  Dim chunks = 1;
  Dim scratch = 0;          // bytes for each worker
  int scratch_buffer = -1;  // where the scratch lies when its size is known only at run time
  std::vector<StepResult> results = {};
  Dim flops = 0, bytes = 0;  // dv_step
};

// Reads symbols: element i lies at `from` + i * stride bytes.
struct MeasureStep {
  StepArgument from;
  Dim stride;
  DType dtype = DType::kI64;
  std::vector<std::string> symbols;
};

// symbol := value; all values are computed before any symbol changes.
struct BindStep {
  std::vector<std::pair<std::string, Dim>> values;
};

// Fails the run unless plan.assertions[assertion] holds.
struct CheckStep {
  int assertion = 0;
};

// Makes a kReserved buffer or a kOutput hold its `bytes`; what it held is lost.
struct ReserveStep {
  int buffer = -1;
};
// Makes a kReserved buffer hold `bytes` and keeps what it holds.
struct GrowStep {
  int buffer = -1;
  Dim bytes;
};

struct BranchStep {
  StepArgument condition;  // points to a bool
  std::shared_ptr<Steps> then_steps, else_steps;
};

// Runs at most `trips` times, and while the condition is true.
struct LoopStep {
  std::optional<Dim> trips;
  bool has_condition = false;
  StepArgument enter, again;  // has_condition: bools read before the first and after each iteration
  std::string iteration;      // the symbol that counts
  std::shared_ptr<Steps> body;
};

struct Step {
  std::variant<KernelCall, MeasureStep, BindStep, CheckStep, ReserveStep, GrowStep, BranchStep,
               LoopStep>
      node;
  std::vector<std::string> origins;
};

// What a run must find true; `text` says of what.
struct Assertion {
  enum class Kind : uint8_t { kEqual, kAtLeast, kAtMost };
  Kind kind = Kind::kEqual;
  Dim given, expected;
  std::string text;
  std::vector<std::string> origins;
  bool by_layout = false;  // layout checks it, no step
};

struct Plan {
  std::vector<Buffer> buffers;
  Steps steps;
  std::vector<Assertion> assertions;
  std::set<std::string> run_symbols;  // defined by steps
  std::set<int> late_outputs;         // their extents are known only behind a step
  int reserved_slots = 0;
  Dim workspace = 0;  // bytes without scratch
  Dim scratch = 0;    // bytes for each worker: the largest of the steps
};

// The number of workers that may run a step at once, as a symbol of Buffer::bytes.
inline constexpr const char* kWorkersSymbol = "%workers";

// Whether a value is known before the first step.
inline bool known_early(const Plan& plan, const Dim& dim) {
  for (const std::string& name : dim.symbols()) {
    if (plan.run_symbols.contains(name)) return false;
  }
  return true;
}

inline bool known_early(const Plan& plan, const Shape& shape) {
  return std::all_of(shape.begin(), shape.end(),
                     [&](const Dim& dim) { return known_early(plan, dim); });
}

// Whether a buffer is as it is before the first step. (That an output has 0 bytes does not tell its
// extents.)
inline bool known_early(const Plan& plan, const Buffer& buffer) {
  if (buffer.kind == Buffer::Kind::kOutput && plan.late_outputs.contains(buffer.index))
    return false;
  return !buffer.grows && known_early(plan, buffer.bytes);
}

}  // namespace dovetail::ir
