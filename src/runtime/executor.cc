#include "runtime/executor.h"

#include <dovetail/runtime.h>

#include "base/error.h"
#include "runtime/dv_error.h"
#include "runtime/process_pool.h"
#include "runtime/tensor.h"

namespace dovetail {
namespace detail {

using runtime::check;

namespace {

int32_t index_of(const Port& port, const char* role, const dv_tensor_info* infos, int32_t count,
                 const dv_model& model) {
  const auto* index = std::get_if<int64_t>(&port.value());
  if (index && *index >= 0 && *index < count) return static_cast<int32_t>(*index);
  const auto* name = std::get_if<std::string_view>(&port.value());
  std::vector<std::string> known;
  for (int32_t k = 0; k < count; ++k) {
    if (name && *name == infos[k].name) return k;
    known.push_back(index ? fmt::format("{}: {}", k, infos[k].name) : infos[k].name);
  }
  const std::string wanted = index ? fmt::format("{}", *index) : fmt::format("'{}'", *name);
  throw_error(ErrorKind::kKey, "model '{}' has no {} {}; it has: {}", model.name, role, wanted,
              joined(known));
}

}  // namespace

ExecutorNode::ExecutorNode(std::shared_ptr<ModuleNode> library, const dv_model* model)
    : library_(std::move(library)),
      model_(model),
      api_(library_->library()->api),
      host_(num_threads()),
      inputs_(static_cast<size_t>(model->num_inputs)),
      outputs_(static_cast<size_t>(model->num_outputs)),
      last_outputs_(outputs_) {
  dv_error error{};
  check(api_->create(model, host_.get(), &context_, &error), error);
  if (auto params = library_->params(model)) set_params(std::move(params));
}

ExecutorNode::~ExecutorNode() { api_->destroy(context_); }

std::string ExecutorNode::description() const {
  return fmt::format("the executor of model '{}'", model_->name);
}

const dv_variant& ExecutorNode::variant() const { return *api_->variant(context_); }

int32_t ExecutorNode::input_index(const Port& port) const {
  return index_of(port, "input", model_->inputs, model_->num_inputs, *model_);
}

int32_t ExecutorNode::output_index(const Port& port) const {
  return index_of(port, "output", model_->outputs, model_->num_outputs, *model_);
}

ExecutorNode::Use::Use(const ExecutorNode& node) : node_(node) {
  if (!node.in_use_.exchange(true, std::memory_order_acquire)) return;
  throw_error(ErrorKind::kState, "{} is in use by another thread; make one for each thread",
              node.description());
}

// Calls an entry point of the library, alone.
template <class Call>
void ExecutorNode::call(const Call& entry_point) {
  const Use use(*this);
  dv_error error{};
  check(entry_point(&error), error);
}

void ExecutorNode::set_input(const Port& port, const Tensor& tensor) {
  const int32_t index = input_index(port);
  call([&](dv_error* error) {
    const int32_t code = api_->set_input(context_, index, tensor.get(), error);
    if (code == DV_OK) inputs_[index] = Tensor();
    return code;
  });
}

void ExecutorNode::set_input_zero_copy(const Port& port, const Tensor& tensor) {
  const int32_t index = input_index(port);
  call([&](dv_error* error) {
    const int32_t code = api_->set_input_zero_copy(context_, index, tensor.get(), error);
    if (code == DV_OK) inputs_[index] = tensor;
    return code;
  });
}

void ExecutorNode::set_output_zero_copy(const Port& port, const Tensor& tensor) {
  const int32_t index = output_index(port);
  if (tensor.defined() && tensor.is_read_only()) {
    throw_error(ErrorKind::kType, "output '{}' cannot be written into a read-only tensor",
                model_->outputs[index].name);
  }
  call([&](dv_error* error) {
    const dv_tensor* target = tensor.defined() ? tensor.get() : nullptr;
    const int32_t code = api_->set_output_zero_copy(context_, index, target, error);
    if (code == DV_OK) outputs_[index] = tensor;
    return code;
  });
}

void ExecutorNode::run() {
  call([&](dv_error* error) {
    const int32_t code = api_->run(context_, error);
    if (code == DV_OK) last_outputs_ = outputs_;
    return code;
  });
}

void ExecutorNode::run_observed(const dv_observer& observer) {
  const Use use(*this);
  observe(observer);
}

void ExecutorNode::observe(const dv_observer& observer) {
  dv_error error{};
  check(api_->run_observed(context_, &observer, &error), error);
  last_outputs_ = outputs_;
}

void ExecutorNode::set_num_threads(int threads) {
  runtime::check_num_threads(threads);
  call([&](dv_error*) {
    host_.limit_workers(threads);
    return DV_OK;
  });
}

void ExecutorNode::set_params(runtime::PreparedParams params) {
  call([&](dv_error* error) {
    const int32_t code = api_->set_params(context_, params.get(), error);
    if (code == DV_OK) params_ = std::move(params);
    return code;
  });
}

void ExecutorNode::load_params(const Params& params) {
  set_params(runtime::prepare_params(*model_, params));
}

void ExecutorNode::share_params(ExecutorNode& other) {
  if (other.model_ != model_) {
    throw_error(ErrorKind::kValue, "{} takes the params of an executor of the same model, got {}",
                description(), other.description());
  }
  runtime::PreparedParams params;
  other.call([&](dv_error*) {
    params = other.params_;
    return DV_OK;
  });
  if (!params && model_->prepare) {
    throw_error(ErrorKind::kState, "{} has no params to share: call load_params on it first",
                other.description());
  }
  set_params(std::move(params));
}

// A handle to memory that the context uses: its own, kept by the block, or one of `borrowed`.
Tensor ExecutorNode::view(const dv_tensor& tensor, std::vector<Tensor> borrowed) {
  struct Owner {
    std::shared_ptr<const ModuleNode> executor;  // and with it the library
    std::shared_ptr<const void> block;
    std::vector<Tensor> borrowed;
  };
  bool read_only = false;
  for (const Tensor& other : borrowed) {
    read_only |= other.defined() && other.is_read_only() && other.raw_data() == tensor.data;
  }
  auto owner = std::make_shared<Owner>(
      Owner{shared_from_this(), host_.block_at(tensor.data), std::move(borrowed)});
  return TensorNode::make(tensor, read_only, std::move(owner));
}

Tensor ExecutorNode::get_input(const Port& port) {
  const int32_t index = input_index(port);
  Tensor result;
  call([&](dv_error* error) {
    dv_tensor tensor;
    const int32_t code = api_->get_input(context_, index, &tensor, error);
    if (code == DV_OK) result = view(tensor, {inputs_[index]});
    return code;
  });
  return result;
}

Tensor ExecutorNode::get_output(const Port& port) {
  const int32_t index = output_index(port);
  Tensor result;
  call([&](dv_error* error) {
    dv_tensor tensor;
    const int32_t code = api_->get_output(context_, index, &tensor, error);
    if (code == DV_OK) result = view(tensor, {outputs_[index], last_outputs_[index]});
    return code;
  });
  return result;
}

void ExecutorNode::get_output(const Port& port, const Tensor& into) {
  const int32_t index = output_index(port);
  if (into.is_read_only()) {
    throw_error(ErrorKind::kType, "output '{}' cannot be written into a read-only tensor",
                model_->outputs[index].name);
  }
  call([&](dv_error* error) { return api_->copy_output(context_, index, into.get(), error); });
}

void ExecutorNode::view_input(int32_t index, dv_tensor* view) {
  call([&](dv_error* error) { return api_->get_input(context_, index, view, error); });
}

void ExecutorNode::view_output(int32_t index, dv_tensor* view) {
  call([&](dv_error* error) { return api_->get_output(context_, index, view, error); });
}

}  // namespace detail

using detail::ExecutorNode;

Executor::Executor(const Any& module) : Executor(module.as<Module>()) {}

Executor::Executor(const Module& module)
    : node_(std::dynamic_pointer_cast<ExecutorNode>(module.node())) {
  if (!node_) {
    throw_error(ErrorKind::kType,
                "{} is not an executor; call one of its functions with a Device to make one",
                module.node()->description());
  }
}

ExecutorNode& Executor::node() const {
  if (!node_) throw_error(ErrorKind::kType, "expected an Executor, got one that was moved from");
  return *node_;
}

void Executor::set_input(const Port& input, const Tensor& tensor) {
  node().set_input(input, tensor);
}
void Executor::set_input_zero_copy(const Port& input, const Tensor& tensor) {
  node().set_input_zero_copy(input, tensor);
}
void Executor::set_output_zero_copy(const Port& output, const Tensor& tensor) {
  node().set_output_zero_copy(output, tensor);
}
void Executor::run() { node().run(); }
void Executor::set_num_threads(int threads) { node().set_num_threads(threads); }
Tensor Executor::get_input(const Port& input) const { return node().get_input(input); }
Tensor Executor::get_output(const Port& output) const { return node().get_output(output); }
void Executor::get_output(const Port& output, const Tensor& into) const {
  node().get_output(output, into);
}
void Executor::load_params(const Params& params) { node().load_params(params); }
void Executor::share_params(const Executor& other) { node().share_params(other.node()); }
int Executor::num_inputs() const { return node().model().num_inputs; }
int Executor::num_outputs() const { return node().model().num_outputs; }
const dv_tensor_info& Executor::input_info(const Port& input) const {
  return node().model().inputs[node().input_index(input)];
}
const dv_tensor_info& Executor::output_info(const Port& output) const {
  return node().model().outputs[node().output_index(output)];
}
const dv_model& Executor::model() const { return node().model(); }
const dv_variant& Executor::variant() const { return node().variant(); }
Module Executor::module() const { return Module(node_); }

}  // namespace dovetail
