// A model as a function: tensors in, tensors out, nothing kept between calls.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "runtime/executor.h"

namespace dovetail::detail {

// Executors that wait for their next call, so that most calls make none. Any number of threads may
// call at once; as many executors as there are processors are kept.
class StatelessModel {
 public:
  // `library` outlives this and every call.
  StatelessModel(ModuleNode* library, const dv_model* model) : library_(library), model_(model) {}

  // One tensor per input; gives new tensors. kType: another number, or no tensors.
  Any call(std::span<const Any> inputs);
  // Runs on the inputs; the outputs are what `read` takes from the executor.
  void run(std::span<const Tensor> inputs, const std::function<void(ExecutorNode&)>& read);
  // Executors that wait are dropped: the next calls make new ones.
  void forget();

 private:
  std::unique_ptr<ExecutorNode> take();
  void give_back(std::unique_ptr<ExecutorNode> executor);

  ModuleNode* const library_;
  const dv_model* const model_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<ExecutorNode>> idle_;
};

}  // namespace dovetail::detail
