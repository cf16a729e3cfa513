// What a DebugExecutor handle names: an executor whose runs are observed.
#pragma once

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/executor.h"

namespace dovetail::detail {

class DebugNode : public ExecutorNode {
 public:
  using ExecutorNode::ExecutorNode;

  std::vector<std::string> names() const override;
  Function function(const std::string& name) override;

  void run() override { watch(/*keep=*/true, std::nullopt); }
  void profile() { watch(/*keep=*/false, std::nullopt); }
  bool run_until(std::string_view node);
  std::vector<StepTime> step_times() const;
  std::vector<std::string> tensor_names() const;
  Tensor get_tensor(std::string_view name);

 private:
  using Clock = std::chrono::steady_clock;

  // Runs, to the end of step `last` if that is given; whether that step ran.
  bool watch(bool keep, std::optional<int32_t> last);
  void after_step(const dv_call& call, int32_t step);
  static Tensor copy_of(const dv_variant& variant, const dv_result& result, const dv_call& call);

  // Of the last run.
  std::vector<StepTime> times_;
  std::vector<Tensor> tensors_;  // one per result of the variant
  // Of the run under way.
  bool keep_ = false;
  std::optional<int32_t> last_;
  bool reached_ = false;
  Clock::time_point before_;
  std::exception_ptr failure_;
};

}  // namespace dovetail::detail
