// Params become prepared ones: the heavy math on params alone (folding, packing), as a program like
// any model's. Its code is strict and for the family's baseline, so its bytes are equal on every
// machine. With packaged params it runs here, through abi.h; else it goes into the library.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/place.h"
#include "compiler/program.h"
#include "ir/target.h"
#include "ir/tensor.h"
#include "passes/split_prepare.h"

namespace dovetail::compiler {

struct Prepare {
  std::shared_ptr<ir::Graph> graph;
  Placed placed;
  std::vector<int> io;                    // of each input of the graph: its index in dv_call.io
  std::vector<ir::TensorData> constants;  // they follow the params in dv_call.io
  std::vector<int64_t> offsets;           // of each output in the prepared bytes
  int64_t size = 0;                       // of these
};

// `params`: the names of all params of the model, in their order. Places the split's graph.
Prepare place_prepare(const passes::Split& split, const std::vector<std::string>& params);

// dv_prepare's two functions, and the kernels that they call.
struct PrepareProgram {
  Program program;
  std::vector<loop::Function> kernels;
};
PrepareProgram prepare_program(const Prepare& prepare, const ir::TargetInfo& target,
                               const std::string& suffix);

// The prepared params, one for each output of the graph.
std::vector<ir::TensorData> run_prepare(const Prepare& prepare,
                                        const std::vector<ir::TensorData>& params);

}  // namespace dovetail::compiler
