// The run function of a plan. What the inputs' extents decide stands in the values table, computed
// by layout; expressions of symbols that steps define are computed where they are used.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/dim_code.h"
#include "compiler/program.h"

namespace dovetail::compiler {

// Slots of the values table, one for each value.
class Slots {
 public:
  int of(const ir::Dim& dim);  // made when it is not there
  int at(const ir::Dim& dim) const { return slots_.at(dim); }
  const std::vector<ir::Dim>& dims() const { return dims_; }
  int count() const;

 private:
  std::map<ir::Dim, int> slots_;
  std::vector<ir::Dim> dims_;
};

// Returns 1 + index from the function, with the two numbers in `values`, unless the assertion
// holds.
void emit_check(loop::Builder& b, const ir::Plan& plan, int index, const loop::Value& values,
                DimCode& dims);

class RunCode {
 public:
  RunCode(const ProgramRequest& request, Slots& slots);
  loop::Function emit();

 private:
  loop::Value slot(const ir::Dim& dim);
  void set_symbol(const std::string& name, const loop::Value& value);
  loop::Value known(const ir::Dim& dim);
  loop::Value amount(const ir::Dim& dim);
  loop::Value bytes(const ir::Dim& dim);
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

  const ProgramRequest& request_;
  const ir::Plan& plan_;
  Slots& slots_;
  loop::Builder b_;
  DimCode dims_;
  loop::Value call_, values_, io_, workspace_, weights_, reserved_;
  int num_inputs_ = 0;
};

}  // namespace dovetail::compiler
