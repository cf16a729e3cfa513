// The two functions of a variant, written in loop IR: `layout` evaluates every shape expression of
// the plan, `run` walks its steps.
#pragma once

#include <string>
#include <vector>

#include "ir/loop.h"
#include "ir/plan.h"

namespace dovetail::compiler {

struct Program {
  loop::Function layout;  // void (const int64_t* dims, int64_t workers, int64_t* values)
  loop::Function run;     // void (const dv_call* call)
  int num_values = 0;
  std::vector<int> output_slots;  // for each of `output_dims`, the slot of its value
};

struct ProgramRequest {
  std::string layout_name, run_name;
  const ir::Plan* plan = nullptr;
  std::vector<std::string> dims;     // symbols in the order of dv_model.dims
  std::vector<ir::Dim> output_dims;  // symbolic extents of outputs: values that come first
  const std::vector<loop::Function>* kernels = nullptr;
};

Program make_program(const ProgramRequest& request);

}  // namespace dovetail::compiler
