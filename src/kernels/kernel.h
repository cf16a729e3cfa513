// Kernel families: from one graph node with the layout of its tensors to loop IR.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "ir/loop.h"
#include "ir/target.h"

namespace dovetail::kernels {

// How a tensor lies in memory: one stride per axis, in elements; 0 repeats the element along that
// axis. Nothing is promised about alignment.
struct Layout {
  ir::DType dtype = ir::DType::kF32;
  ir::Shape shape;
  std::vector<ir::Dim> strides;
};

// One word of a task's arguments.
struct Argument {
  enum class Kind : uint8_t {
    kPointer,  // start of tensor `tensor` (operands first, then results) plus `value` bytes
    kInt,      // `value`
    kScratch,  // base of the scratch of all workers: worker w owns [w * scratch, (w+1) * scratch)
  };
  Kind kind = Kind::kInt;
  int tensor = -1;
  ir::Dim value;
  static Argument pointer(int tensor, ir::Dim byte_offset = 0) {
    return {Kind::kPointer, tensor, std::move(byte_offset)};
  }
  static Argument integer(ir::Dim value) { return {Kind::kInt, -1, std::move(value)}; }
  static Argument scratch() { return {Kind::kScratch, -1, 0}; }
};

// A task function and one use of it. The function is specialised on dtype, CPU level, tile, window
// and epilogue; outer extents and strides are arguments, so that equal functions serve many nodes:
// its name describes it ("conv3x3_s1_relu") and the compiler removes duplicates by hash. `chunks`
// depends on extents only, never on the number of threads; work of under about 20 us is one chunk.
// Chunks may run in any order and at the same time: each writes its own part of the results.
struct Call {
  loop::Function function;
  std::vector<Argument> arguments;  // in the order of function.parameters
  ir::Dim chunks = 1;
  ir::Dim scratch = 0;  // bytes for each worker, a multiple of 64
};

struct Request {
  const ir::Node* node = nullptr;  // Elementwise, Reduce, Contract, Pool, Pad, Gather, Copy,
                                   // Recurrence, Composite "rows"
  std::vector<Layout> operands;
  std::vector<Layout> results;
  const ir::CpuLevel* level = nullptr;
  ir::SymbolBounds symbols;
  bool strict = false;  // fixed order of additions, no contraction: `prepare`
};

// The calls that compute a node, in order. Dispatches on the node's kind to the families; throws
// kUnsupported with a sentence when no family takes it.
std::vector<Call> make_calls(const Request& request);

// Whether a kernel reads operand `operand` of `node` lying so. When not, the planner copies the
// operand to a compact buffer first; compact layouts are always accepted. (Contract and Pool want
// stride 1 on the channel axis and packed weights compact; elementwise, rows and copies take
// anything.)
bool accepts(const ir::Node& node, int operand, const Layout& layout);

}  // namespace dovetail::kernels
