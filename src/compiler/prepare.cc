#include "compiler/prepare.h"

#include <dovetail/abi.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/error.h"
#include "codegen/codegen.h"
#include "compiler/lower.h"
#include "ir/evaluate.h"

namespace dovetail::compiler {
namespace {

int64_t aligned(int64_t bytes) { return (bytes + DV_ALIGNMENT - 1) / DV_ALIGNMENT * DV_ALIGNMENT; }

std::shared_ptr<uint8_t> allocate(int64_t bytes, const char* what) {
  const int64_t rounded = std::max<int64_t>(aligned(bytes), DV_ALIGNMENT);
  std::shared_ptr<uint8_t> memory(
      static_cast<uint8_t*>(std::aligned_alloc(DV_ALIGNMENT, static_cast<size_t>(rounded))),
      &std::free);
  if (!memory) {
    throw_error(ErrorKind::kMemory, "no memory for {} bytes of {} to prepare the weights", bytes,
                what);
  }
  return memory;
}

std::vector<int64_t> extents_of(const ir::Value& value) {
  std::vector<int64_t> extents;
  for (const ir::Dim& extent : value.shape()) extents.push_back(extent.value());
  return extents;
}

int64_t bytes_of(const ir::Value& value) {
  int64_t bytes = ir::size_of(value.dtype());
  for (const int64_t extent : extents_of(value)) bytes *= extent;
  return bytes;
}

// Is it little data, and only moved? Compiling kernels for that takes longer than evaluating it,
// which gives the same bits.
bool is_moved_sooner(const ir::Graph& graph) {
  constexpr int64_t kMaxBytes = 512 << 10;
  int64_t bytes = 0;
  for (const auto& node : graph.nodes()) {
    const ir::Primitive& op = node->op;
    const bool moves =
        std::holds_alternative<ir::Input>(op) || std::holds_alternative<ir::Reshape>(op) ||
        std::holds_alternative<ir::Permute>(op) || std::holds_alternative<ir::Slice>(op) ||
        std::holds_alternative<ir::Pad>(op) || std::holds_alternative<ir::Concat>(op) ||
        std::holds_alternative<ir::Copy>(op);
    if (!moves) return false;
    for (const auto& result : node->results) bytes += bytes_of(*result);
  }
  return bytes <= kMaxBytes;
}

}  // namespace

Prepare place_prepare(const passes::Split& split, const std::vector<std::string>& params) {
  Prepare prepare;
  prepare.graph = split.prepare;
  prepare.placed = place(*split.prepare);
  for (const passes::PrepareInput& input : split.prepare_inputs) {
    const auto found = std::find(params.begin(), params.end(), input.name);
    if (found != params.end()) {
      prepare.io.push_back(static_cast<int>(found - params.begin()));
    } else {
      prepare.io.push_back(static_cast<int>(params.size() + prepare.constants.size()));
      prepare.constants.push_back(input.data);
    }
  }
  for (const ir::Value* output : prepare.graph->outputs) {
    prepare.offsets.push_back(prepare.size);
    prepare.size += aligned(bytes_of(*output));
  }
  return prepare;
}

PrepareProgram prepare_program(const Prepare& prepare, const ir::TargetInfo& target,
                               const std::string& suffix) {
  const ir::CpuLevel level = ir::baseline(target);
  KernelSet kernels;
  ir::Plan plan =
      lower(*prepare.graph, prepare.placed, {.level = &level, .strict = true}, &kernels);
  for (ir::Buffer& buffer : plan.buffers) {
    if (buffer.kind == ir::Buffer::Kind::kInput) {
      buffer.index = prepare.io.at(buffer.index);
    } else if (buffer.kind == ir::Buffer::Kind::kOutput) {  // these are what is prepared
      buffer.kind = ir::Buffer::Kind::kWeights;
      buffer.offset = prepare.offsets.at(buffer.index);
    }
  }
  return {make_program({.layout_name = "prepare_layout" + suffix,
                        .run_name = "prepare" + suffix,
                        .run_observed_name = {},
                        .plan = &plan,
                        .num_inputs = 0,  // outputs are weights
                        .dims = {},
                        .outputs = {},
                        .kernels = &kernels.functions()}),
          kernels.functions()};
}

std::vector<ir::TensorData> run_prepare(const Prepare& prepare,
                                        const std::vector<ir::TensorData>& params) {
  if (is_moved_sooner(*prepare.graph)) {
    std::vector<ir::TensorData> given = params, inputs;
    given.insert(given.end(), prepare.constants.begin(), prepare.constants.end());
    for (const int index : prepare.io) inputs.push_back(given.at(static_cast<size_t>(index)));
    return ir::evaluate(*prepare.graph, inputs);
  }
  const auto [program, kernels] = prepare_program(prepare, ir::host_target(), "");
  loop::Module module;
  module.functions = kernels;
  module.functions.push_back(program.layout);
  module.functions.push_back(program.run);
  for (auto it = module.functions.end() - 2; it != module.functions.end(); ++it)
    it->exported = true;
  const codegen::HostCode code(module);

  std::vector<int64_t> values(program.num_values);
  code.function<int32_t(const int64_t*, int64_t, int64_t*)>(program.layout.name)(nullptr, 1,
                                                                                 values.data());
  const std::shared_ptr<uint8_t> workspace = allocate(values[DV_VALUE_WORKSPACE], "workspace");
  const std::shared_ptr<uint8_t> weights = allocate(prepare.size, "results");
  std::vector<void*> io;  // inputs are only read
  for (const auto* inputs : {&params, &prepare.constants}) {
    for (const ir::TensorData& input : *inputs)
      io.push_back(const_cast<std::byte*>(input.bytes().data()));
  }
  dv_host host{};
  host.size = sizeof(dv_host);
  const dv_call call{values.data(), io.data(), workspace.get(), weights.get(),
                     &host,         nullptr,   nullptr,         nullptr};
  code.function<int32_t(const dv_call*)>(program.run.name)(&call);

  std::vector<ir::TensorData> tensors;
  for (size_t k = 0; k < prepare.offsets.size(); ++k) {
    const ir::Value& output = *prepare.graph->outputs[k];
    const auto* begin = reinterpret_cast<const std::byte*>(weights.get() + prepare.offsets[k]);
    tensors.emplace_back(output.dtype(), extents_of(output),
                         std::span(begin, static_cast<size_t>(bytes_of(output))), weights);
  }
  return tensors;
}

}  // namespace dovetail::compiler
