#include "runtime/stateless.h"

#include <thread>
#include <utility>

#include "base/error.h"

namespace dovetail::detail {

Any StatelessModel::call(std::span<const Any> inputs) {
  std::vector<Tensor> tensors;
  for (const Any& input : inputs) {
    if (!input.is<Tensor>()) {
      throw_error(ErrorKind::kType, "model '{}' takes tensors, got {}", model_->name, input.kind());
    }
    tensors.push_back(input.as<Tensor>());
  }
  std::vector<Tensor> outputs;
  run(tensors, [&](ExecutorNode& executor) {
    for (int32_t k = 0; k < model_->num_outputs; ++k) {
      dv_tensor view;
      executor.view_output(k, &view);
      outputs.push_back(Tensor::empty({view.shape, view.shape + view.ndim}, view.dtype));
      executor.get_output(k, outputs.back());
    }
  });
  return outputs.size() == 1 ? Any(outputs[0]) : Any(std::move(outputs));
}

void StatelessModel::run(std::span<const Tensor> inputs,
                         const std::function<void(ExecutorNode&)>& read) {
  if (inputs.size() != static_cast<size_t>(model_->num_inputs)) {
    throw_error(ErrorKind::kType, "model '{}' has {} input{}, got {}", model_->name,
                model_->num_inputs, model_->num_inputs == 1 ? "" : "s", inputs.size());
  }
  std::unique_ptr<ExecutorNode> executor = take();
  for (int32_t k = 0; k < model_->num_inputs; ++k) executor->set_input(k, inputs[k]);
  executor->run();
  read(*executor);
  give_back(std::move(executor));
}

void StatelessModel::forget() {
  const std::lock_guard lock(mutex_);
  idle_.clear();
}

std::unique_ptr<ExecutorNode> StatelessModel::take() {
  {
    const std::lock_guard lock(mutex_);
    while (!idle_.empty()) {
      std::unique_ptr<ExecutorNode> executor = std::move(idle_.back());
      idle_.pop_back();
      // set_num_threads() and load_params hold for executors made from then on.
      if (executor->max_workers() == num_threads() &&
          executor->params() == library_->params(model_)) {
        return executor;
      }
    }
  }
  // A pointer that does not own the library: the library owns this.
  return std::make_unique<ExecutorNode>(
      std::shared_ptr<ModuleNode>(std::shared_ptr<ModuleNode>(), library_), model_);
}

void StatelessModel::give_back(std::unique_ptr<ExecutorNode> executor) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < std::thread::hardware_concurrency()) idle_.push_back(std::move(executor));
}

}  // namespace dovetail::detail
