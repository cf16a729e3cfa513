#include "compiler/prepare.h"

#include <dovetail/abi.h>

#include <cstdlib>
#include <memory>

#include "base/error.h"
#include "codegen/codegen.h"
#include "compiler/lower.h"
#include "compiler/place.h"
#include "compiler/program.h"

namespace dovetail::compiler {
namespace {

// Aligned memory for the workspace.
using Workspace = std::unique_ptr<uint8_t, decltype(&std::free)>;

Workspace allocate(int64_t bytes) {
  const int64_t rounded = (bytes + DV_ALIGNMENT) / DV_ALIGNMENT * DV_ALIGNMENT;
  Workspace memory(static_cast<uint8_t*>(std::aligned_alloc(DV_ALIGNMENT, rounded)), &std::free);
  if (!memory)
    throw_error(ErrorKind::kMemory, "no memory for {} bytes of workspace to prepare the weights",
                bytes);
  return memory;
}

}  // namespace

std::vector<ir::TensorData> run_prepare(const passes::Split& split) {
  ir::Graph& graph = *split.prepare;
  const ir::CpuLevel level = ir::baseline(ir::host_target());
  const Placed placed = place(graph);
  KernelSet kernels;
  const ir::Plan plan = lower(graph, placed, {.level = &level, .strict = true}, &kernels);
  const Program program = make_program({.layout_name = "prepare_layout",
                                        .run_name = "prepare_run",
                                        .run_observed_name = {},
                                        .plan = &plan,
                                        .num_inputs = static_cast<int>(split.prepare_inputs.size()),
                                        .dims = {},
                                        .outputs = {},
                                        .kernels = &kernels.functions()});
  loop::Module module;
  module.functions = kernels.functions();
  module.functions.push_back(program.layout);
  module.functions.push_back(program.run);
  for (auto it = module.functions.end() - 2; it != module.functions.end(); ++it)
    it->exported = true;
  const codegen::HostCode code(module);

  std::vector<int64_t> values(program.num_values);
  code.function<int32_t(const int64_t*, int64_t, int64_t*)>("prepare_layout")(nullptr, 1,
                                                                              values.data());
  const Workspace workspace = allocate(values[DV_VALUE_WORKSPACE]);
  std::vector<void*> io;
  for (const passes::PrepareInput& input : split.prepare_inputs) {
    io.push_back(const_cast<std::byte*>(input.data.bytes().data()));  // inputs are only read
  }
  std::vector<std::vector<std::byte>> results;
  std::vector<std::vector<int64_t>> shapes;
  for (const ir::Value* output : graph.outputs) {
    std::vector<int64_t> shape;
    for (const ir::Dim& extent : output->shape()) shape.push_back(extent.value());
    int64_t bytes = ir::size_of(output->dtype());
    for (const int64_t extent : shape) bytes *= extent;
    shapes.push_back(std::move(shape));
    results.emplace_back(bytes);
    io.push_back(results.back().data());
  }
  dv_host host{};
  host.size = sizeof(dv_host);
  const dv_call call{values.data(), io.data(), workspace.get(), nullptr,
                     &host,         nullptr,   nullptr,         nullptr};
  code.function<int32_t(const dv_call*)>("prepare_run")(&call);

  std::vector<ir::TensorData> tensors;
  for (size_t k = 0; k < results.size(); ++k) {
    tensors.emplace_back(graph.outputs[k]->dtype(), shapes[k], std::move(results[k]));
  }
  return tensors;
}

}  // namespace dovetail::compiler
