// What an Executor handle names.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "runtime/host.h"
#include "runtime/module.h"

namespace dovetail::detail {

// One context of a library, with what it borrows.
class ExecutorNode : public ModuleNode {
 public:
  ExecutorNode(std::shared_ptr<ModuleNode> library, const dv_model* model);
  ~ExecutorNode() override;

  std::string description() const override;
  std::vector<std::string> names() const override;
  Function function(const std::string& name) override;
  const dv_library* library() const override { return library_->library(); }

  const dv_model& model() const { return *model_; }
  const dv_variant& variant() const;
  // The index of an input or output; kKey lists those there are.
  int32_t input_index(const Port& port) const;
  int32_t output_index(const Port& port) const;

  void set_input(const Port& port, const Tensor& tensor);
  void set_input_zero_copy(const Port& port, const Tensor& tensor);
  void set_output_zero_copy(const Port& port, const Tensor& tensor);
  virtual void run();
  // The observer must not throw.
  void run_observed(const dv_observer& observer);
  void set_num_threads(int threads);
  Tensor get_input(const Port& port);
  Tensor get_output(const Port& port);
  void get_output(const Port& port, const Tensor& into);
  // kState when the library has the params packaged.
  void load_params(const Params& params);
  void share_params(ExecutorNode& other);
  // As the library's entry points give them: the context's memory, shape included.
  void view_input(int32_t index, dv_tensor* view);
  void view_output(int32_t index, dv_tensor* view);
  int max_workers() const { return host_.get()->max_workers; }
  const runtime::PreparedParams& params() const { return params_; }  // for its one user's thread

 protected:
  // run_observed by a caller that holds a Use.
  void observe(const dv_observer& observer);

  // Held while a thread uses the executor; kState when another one does.
  class Use {
   public:
    explicit Use(const ExecutorNode& node);
    ~Use() { node_.in_use_.store(false, std::memory_order_release); }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    const ExecutorNode& node_;
  };

 private:
  template <class Call>
  void call(const Call& entry_point);
  void set_params(runtime::PreparedParams params);
  Tensor view(const dv_tensor& tensor, std::vector<Tensor> borrowed);

  const std::shared_ptr<ModuleNode> library_;
  const dv_model* const model_;
  const dv_api* const api_;
  runtime::Host host_;
  dv_context* context_ = nullptr;
  mutable std::atomic<bool> in_use_{false};
  runtime::PreparedParams params_;  // that the context uses; null when they are packaged
  // Tensors whose memory the context uses: as inputs, as outputs from the next run on, and as
  // outputs of the last run.
  std::vector<Tensor> inputs_;
  std::vector<Tensor> outputs_;
  std::vector<Tensor> last_outputs_;
};

}  // namespace dovetail::detail
