#include "compiler/step_table.h"

#include <dovetail/abi.h>

namespace dovetail::compiler {

using ir::Buffer;
using ir::Dim;

StepTableWriter::StepTableWriter(const ir::Plan& plan, Slots& slots, int num_inputs)
    : plan_(plan), slots_(slots), num_inputs_(num_inputs), first_own_slot_(slots.count()) {}

int64_t StepTableWriter::amount(const Dim& dim) {
  if (dim.is_constant() && dim.value() >= 0) return dim.value();
  const int slot = slots_.of(dim);
  if (slot >= first_own_slot_ && !dim.lone_symbol()) own_values_.insert(dim);
  return -1 - int64_t{slot};
}

void StepTableWriter::add(const ir::StepResult& result) {
  const Buffer& buffer = plan_.buffers[result.placement.buffer];
  ResultRow row{.name = result.name,
                .dtype = result.dtype,
                .rank = static_cast<int>(result.shape.size()),
                .extents = static_cast<int>(table_.amounts.size())};
  row.offset =
      amount(buffer.kind == Buffer::Kind::kWorkspace ? buffer.offset + result.placement.offset
                                                     : result.placement.offset);
  if (buffer.kind == Buffer::Kind::kWorkspace) {
    row.memory = DV_MEMORY_WORKSPACE;
  } else if (buffer.kind == Buffer::Kind::kReserved) {
    row.memory = DV_MEMORY_RESERVED;
    row.index = buffer.index;
  } else {
    row.memory = DV_MEMORY_IO;
    row.index = num_inputs_ + buffer.index;
  }
  for (const Dim& extent : result.shape) table_.amounts.push_back(amount(extent));
  for (const Dim& stride : result.placement.strides) table_.amounts.push_back(amount(stride));
  table_.results.push_back(std::move(row));
}

int StepTableWriter::add(const ir::KernelCall& call, const std::string& iteration) {
  own_values_.clear();
  StepRow row;
  if (!iteration.empty()) row.iteration = slots_.of(Dim::symbol(iteration));
  row.first_result = static_cast<int>(table_.results.size());
  row.num_results = static_cast<int>(call.results.size());
  row.flops = amount(call.flops);
  row.bytes = amount(call.bytes);
  for (const ir::StepResult& result : call.results) add(result);
  table_.steps.push_back(row);
  return static_cast<int>(table_.steps.size()) - 1;
}

}  // namespace dovetail::compiler
