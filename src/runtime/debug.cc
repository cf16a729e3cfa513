#include "runtime/debug.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "base/error.h"

namespace dovetail {
namespace detail {
namespace {

int64_t value_of(const dv_call& call, dv_amount amount) {
  return amount >= 0 ? amount : call.values[-1 - amount];
}

// Copies what lies by any strides to row-major memory; gives the end of what it wrote.
std::byte* gather(const std::byte* from, std::byte* to, std::span<const int64_t> shape,
                  std::span<const int64_t> strides, size_t size) {
  if (shape.empty()) {
    std::memcpy(to, from, size);
    return to + size;
  }
  if (shape.size() == 1 && strides[0] == 1) {
    std::memcpy(to, from, static_cast<size_t>(shape[0]) * size);
    return to + static_cast<size_t>(shape[0]) * size;
  }
  for (int64_t i = 0; i < shape[0]; ++i) {
    to = gather(from + i * strides[0] * static_cast<int64_t>(size), to, shape.subspan(1),
                strides.subspan(1), size);
  }
  return to;
}

// Whether `name` stands in a list like "Conv_0, Relu_1".
bool lists(std::string_view list, std::string_view name) {
  for (size_t at = list.find(name); at != std::string_view::npos; at = list.find(name, at + 1)) {
    const size_t end = at + name.size();
    const bool begins = at == 0 || list.substr(0, at).ends_with(", ");
    if (begins && (end == list.size() || list.substr(end).starts_with(", "))) return true;
  }
  return false;
}

// The names, each once; of long lists the beginning.
std::string some_of(std::vector<std::string> names) {
  constexpr size_t kShown = 20;
  std::set<std::string> seen;
  std::erase_if(names,
                [&](const std::string& name) { return name.empty() || !seen.insert(name).second; });
  const size_t hidden = names.size() - std::min(names.size(), kShown);
  names.resize(names.size() - hidden);
  return joined(names) + (hidden > 0 ? fmt::format(" and {} more", hidden) : "");
}

}  // namespace

bool DebugNode::watch(bool keep, std::optional<int32_t> last) {
  const Use use(*this);
  keep_ = keep;
  last_ = last;
  reached_ = false;
  failure_ = nullptr;
  times_.clear();
  tensors_.assign(static_cast<size_t>(variant().num_results), Tensor());
  const auto after_step = [](void* self, const dv_call* call, int32_t step) -> int32_t {
    auto& node = *static_cast<DebugNode*>(self);
    try {
      node.after_step(*call, step);
    } catch (...) {
      node.failure_ = std::current_exception();
    }
    return node.failure_ || node.reached_ ? 1 : 0;
  };
  before_ = Clock::now();
  observe({sizeof(dv_observer), 0, this, after_step});
  if (failure_) std::rethrow_exception(failure_);
  return reached_;
}

void DebugNode::after_step(const dv_call& call, int32_t index) {
  const std::chrono::duration<double, std::milli> time = Clock::now() - before_;
  const dv_variant& code = variant();
  const dv_step& step = code.steps[index];
  times_.push_back({.step = &step,
                    .iteration = step.iteration < 0 ? -1 : call.values[step.iteration],
                    .milliseconds = time.count(),
                    .flops = value_of(call, step.flops),
                    .bytes = value_of(call, step.bytes)});
  for (int32_t k = 0; keep_ && k < step.num_results; ++k) {
    const int32_t at = step.first_result + k;
    tensors_[at] = copy_of(code, code.results[at], call);
  }
  reached_ = last_ == index;
  before_ = Clock::now();
}

Tensor DebugNode::copy_of(const dv_variant& variant, const dv_result& result, const dv_call& call) {
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
  const dv_amount* extents = variant.amounts + result.extents;
  for (int32_t axis = 0; axis < result.ndim; ++axis) {
    shape.push_back(value_of(call, extents[axis]));
    strides.push_back(value_of(call, extents[result.ndim + axis]));
  }
  const void* memory = result.memory == DV_MEMORY_IO          ? call.io[result.index]
                       : result.memory == DV_MEMORY_WORKSPACE ? call.workspace
                                                              : call.reserved[result.index];
  Tensor copy = Tensor::empty(shape, result.dtype);
  if (copy.num_elements() > 0) {
    gather(static_cast<const std::byte*>(memory) + value_of(call, result.offset),
           static_cast<std::byte*>(copy.raw_data()), shape, strides, copy.dtype().size());
  }
  return copy;
}

bool DebugNode::run_until(std::string_view node) {
  const dv_variant& code = variant();
  for (int32_t k = code.num_steps; k-- > 0;) {
    if (lists(code.steps[k].nodes, node)) return watch(/*keep=*/true, k);
  }
  std::vector<std::string> known;
  for (int32_t k = 0; k < code.num_steps; ++k) known.emplace_back(code.steps[k].nodes);
  throw_error(ErrorKind::kKey, "no step of model '{}' computes a node '{}'; steps compute: {}",
              model().name, node, some_of(std::move(known)));
}

std::vector<StepTime> DebugNode::step_times() const {
  const Use use(*this);
  return times_;
}

std::vector<std::string> DebugNode::tensor_names() const {
  const dv_variant& code = variant();
  std::vector<std::string> names;
  for (int32_t k = 0; k < code.num_results; ++k) names.emplace_back(code.results[k].name);
  // An output that no step tells of: what a loop at the end has left there.
  for (int32_t k = 0; k < model().num_outputs; ++k) {
    const char* name = model().outputs[k].name;
    if (std::ranges::find(names, name) == names.end()) names.emplace_back(name);
  }
  return names;
}

Tensor DebugNode::get_tensor(std::string_view name) {
  const std::vector<std::string> known = tensor_names();
  const auto found = std::ranges::find(known, name);
  if (found == known.end()) {
    throw_error(ErrorKind::kKey, "model '{}' has no tensor '{}' in memory; it has: {}",
                model().name, name, some_of(known));
  }
  const auto index = static_cast<size_t>(found - known.begin());
  if (index >= static_cast<size_t>(variant().num_results)) {
    const Tensor output = get_output(Port(name));
    Tensor copy = Tensor::empty(output.shape(), output.dtype());
    get_output(Port(name), copy);
    return copy;
  }
  const Use use(*this);
  if (index >= tensors_.size() || !tensors_[index].defined()) {
    throw_error(ErrorKind::kState, "tensor '{}' holds nothing: its step did not run", name);
  }
  return tensors_[index];
}

}  // namespace detail

using detail::DebugNode;

DebugExecutor::DebugExecutor(const Any& module) : DebugExecutor(module.as<Module>()) {}

DebugExecutor::DebugExecutor(const Module& module)
    : Executor(module), debug_(std::dynamic_pointer_cast<DebugNode>(module.node())) {
  if (debug_) return;
  throw_error(ErrorKind::kType, "{} cannot be looked into; make one by the function '{}.debug'",
              module.node()->description(), model().name);
}

DebugNode& DebugExecutor::debug() const {
  if (!debug_)
    throw_error(ErrorKind::kType, "expected a DebugExecutor, got one that was moved from");
  return *debug_;
}

void DebugExecutor::profile() { debug().profile(); }
bool DebugExecutor::run_until(std::string_view node) { return debug().run_until(node); }
std::vector<StepTime> DebugExecutor::step_times() const { return debug().step_times(); }
std::vector<std::string> DebugExecutor::tensor_names() const { return debug().tensor_names(); }
Tensor DebugExecutor::get_tensor(std::string_view name) const { return debug().get_tensor(name); }

}  // namespace dovetail
