// What an observer is told of a plan's steps: dv_step and dv_result, before they become data.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "compiler/slots.h"
#include "ir/plan.h"

namespace dovetail::compiler {

// Fields as in abi.h; numbers are dv_amount.
struct StepRow {
  int iteration = -1;
  int first_result = 0, num_results = 0;
  int64_t flops = 0, bytes = 0;
};
struct ResultRow {
  std::string name;
  ir::DType dtype;
  int rank = 0;
  int memory = 0, index = 0;
  int extents = 0;
  int64_t offset = 0;
};

struct StepTable {
  std::vector<StepRow> steps;
  std::vector<ResultRow> results;
  std::vector<int64_t> amounts;
};

class StepTableWriter {
 public:
  // Values of the first `slots.count()` slots are there in a plain run too.
  StepTableWriter(const ir::Plan& plan, Slots& slots, int num_inputs);
  // Adds the next step; gives its index. `iteration` names the innermost loop's symbol, or nothing.
  int add(const ir::KernelCall& call, const std::string& iteration);
  // The numbers of the step just added that only an observed run writes.
  const std::set<ir::Dim>& own_values() const { return own_values_; }
  StepTable take() { return std::move(table_); }

 private:
  int64_t amount(const ir::Dim& dim);
  void add(const ir::StepResult& result);

  const ir::Plan& plan_;
  Slots& slots_;
  const int num_inputs_;
  const int first_own_slot_;
  StepTable table_;
  std::set<ir::Dim> own_values_;
};

}  // namespace dovetail::compiler
