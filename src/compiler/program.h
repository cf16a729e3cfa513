// The functions of a variant, written in loop IR: `layout` evaluates the shape expressions of the
// plan that the inputs' extents decide, `run` walks its steps, `run_observed` does so and tells of
// each.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/step_table.h"
#include "ir/loop.h"
#include "ir/plan.h"

namespace dovetail::compiler {

struct Program {
  loop::Function layout;  // int32_t (const int64_t* dims, int64_t workers, int64_t* values)
  loop::Function run;     // int32_t (const dv_call* call)
  std::optional<loop::Function> run_observed;  // where a name is given for it
  StepTable steps;                             // of run_observed
  int num_values = 0;
  std::map<ir::Dim, int> output_slots;  // of the symbolic extents of outputs
};

struct ProgramRequest {
  std::string layout_name, run_name, run_observed_name;
  const ir::Plan* plan = nullptr;
  int num_inputs = 0;
  std::vector<std::string> dims;   // symbols in the order of dv_model.dims
  std::vector<ir::Shape> outputs;  // their symbolic extents are values that come first
  const std::vector<loop::Function>* kernels = nullptr;
};

Program make_program(const ProgramRequest& request);

}  // namespace dovetail::compiler
