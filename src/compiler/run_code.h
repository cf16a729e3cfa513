// The run function of a plan. What the inputs' extents decide stands in the values table, computed
// by layout; expressions of symbols that steps define are computed where they are used.
#pragma once

#include <string>
#include <vector>

#include "compiler/dim_code.h"
#include "compiler/program.h"
#include "compiler/slots.h"
#include "compiler/step_table.h"

namespace dovetail::compiler {

// Returns 1 + index from the function, with the two numbers in `values`, unless the assertion
// holds.
void emit_check(loop::Builder& b, const ir::Plan& plan, int index, const loop::Value& values,
                DimCode& dims);

class RunCode {
 public:
  // With `observed` every step is told of and described there.
  RunCode(const std::string& name, const ProgramRequest& request, Slots& slots,
          StepTableWriter* observed);
  loop::Function emit();

 private:
  loop::Value slot(const ir::Dim& dim);
  void set_symbol(const std::string& name, const loop::Value& value);
  loop::Value known(const ir::Dim& dim);
  loop::Value amount(const ir::Dim& dim);
  loop::Value base(const ir::Buffer& buffer);
  loop::Value pointer(const ir::StepArgument& argument);
  loop::Value truth(const ir::StepArgument& argument);

  void emit(const ir::Steps& steps);
  void emit(const ir::KernelCall& call);
  void emit(const ir::MeasureStep& measure);
  void emit(const ir::BindStep& bind);
  void emit(const ir::CheckStep& check);
  void emit(const ir::ReserveStep& reserve);
  void emit(const ir::GrowStep& grow);
  void emit(const ir::BranchStep& branch);
  void emit(const ir::LoopStep& loop);
  void observe(const ir::KernelCall& call);

  const ProgramRequest& request_;
  const ir::Plan& plan_;
  Slots& slots_;
  StepTableWriter* observed_;
  std::string iteration_;  // the symbol of the innermost loop
  loop::Builder b_;
  DimCode dims_;
  loop::Value call_, values_, io_, workspace_, weights_, reserved_;
};

}  // namespace dovetail::compiler
