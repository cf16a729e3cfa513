// Executors that can be looked into, on the hand-written specimen.
#include <dovetail/runtime.h>
#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <thread>

#include "unit/runtime/expect_error.h"

extern "C" const dv_library specimen_library;

namespace dovetail {
namespace {

class Debug : public testing::Test {
 protected:
  Debug() : executor_(Module::system_lib(&specimen_library)["scale.debug"](cpu())) {}
  void set(int64_t rows) {
    Tensor x = Tensor::empty({rows, 4}, DType::of<float>());
    std::iota(x.data<float>(), x.data<float>() + x.num_elements(), 0.0f);
    executor_.set_input(0, x);
  }
  DebugExecutor executor_;
};

TEST_F(Debug, KeepsEveryTensorOfARun) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(executor_.tensor_names(), (Names{"rows", "y"}));
  set(3);
  executor_.run();
  const Tensor rows = executor_.get_tensor("rows");
  EXPECT_EQ(rows.shape(), (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(rows.data<float>()[11], 110.0f);
  EXPECT_EQ(executor_.get_tensor("y").data<float>()[11], 110.0f);
  EXPECT_EQ(executor_.get_output("y").data<float>()[11], 110.0f);
  // Copies: another run makes new ones.
  set(1);
  executor_.run();
  EXPECT_EQ(rows.data<float>()[11], 110.0f);
  EXPECT_EQ(executor_.get_tensor("rows").shape()[0], 1);
}

TEST_F(Debug, TellsTheTimeAndTheWorkOfEveryStep) {
  for (const int64_t rows : {2, 5}) {
    set(rows);
    executor_.profile();
    const std::vector<StepTime> times = executor_.step_times();
    ASSERT_EQ(times.size(), 1u);
    EXPECT_STREQ(times[0].step->nodes, "Mul_0");
    EXPECT_STREQ(times[0].step->operators, "Mul");
    EXPECT_EQ(times[0].iteration, -1);
    EXPECT_GT(times[0].milliseconds, 0);
    EXPECT_EQ(times[0].flops, 4 * rows);
    EXPECT_EQ(times[0].bytes, 32 * rows);
  }
  expect_error(ErrorKind::kState, "tensor 'rows' holds nothing: its step did not run",
               [&] { executor_.get_tensor("rows"); });
  EXPECT_EQ(executor_.get_output(0).shape()[0], 5);
}

TEST_F(Debug, StopsAtANode) {
  set(2);
  EXPECT_TRUE(executor_.run_until("Mul_0"));
  EXPECT_EQ(executor_.get_tensor("rows").data<float>()[7], 70.0f);
  expect_error(ErrorKind::kState, "output 'y' holds no result yet: call run first",
               [&] { executor_.get_output(0); });
  executor_.run();
  EXPECT_EQ(executor_.get_output(0).data<float>()[7], 70.0f);
}

TEST_F(Debug, IsAModuleOfFunctions) {
  set(2);
  const Module module = executor_.module();
  module["run"]();
  EXPECT_EQ(module["get_tensor"]("rows").as<Tensor>().shape()[0], 2);
  EXPECT_EQ(module["tensor_names"]().as<std::vector<std::string>>()[1], "y");
  module["profile"]();
  EXPECT_GT(module["step_times"]().as<Tensor>().data<double>()[0], 0);
  EXPECT_EQ(module["step_nodes"]().as<std::vector<std::string>>()[0], "Mul_0");
  EXPECT_TRUE(module["run_until"]("Mul_0").as<bool>());
  EXPECT_EQ(module["num_inputs"]().as<int64_t>(), 1);
}

TEST_F(Debug, RefusesWithOneSentence) {
  expect_error(ErrorKind::kState, "input 'x' is not set: set every input before run",
               [&] { executor_.run(); });
  expect_error(ErrorKind::kKey, "model 'scale' has no tensor 'z' in memory; it has: rows, y",
               [&] { executor_.get_tensor("z"); });
  expect_error(ErrorKind::kKey,
               "no step of model 'scale' computes a node 'Mul'; steps compute: Mul_0",
               [&] { executor_.run_until("Mul"); });
  const Module plain = Module::system_lib(&specimen_library)["scale"](cpu()).as<Module>();
  expect_error(ErrorKind::kType,
               "the executor of model 'scale' cannot be looked into; make one by the function "
               "'scale.debug'",
               [&] { DebugExecutor{plain}; });
  expect_error(
      ErrorKind::kKey,
      "the executor of model 'scale' has no function 'profile'; it has: set_input, "
      "set_input_zero_copy, set_output_zero_copy, run, set_num_threads, get_input, get_output, "
      "load_params, share_params, num_inputs, num_outputs, input_name, output_name",
      [&] { plain["profile"]; });
}

TEST_F(Debug, TwoThreadsAtOnceAreRefused) {
  set(8);
  std::atomic<int> refused = 0;
  const auto work = [&] {
    for (int repeat = 0; repeat < 500; ++repeat) {
      try {
        executor_.run();
        executor_.step_times();
        executor_.get_tensor("rows");
      } catch (const Error& error) {
        ASSERT_EQ(error.kind(), ErrorKind::kState) << error.what();
        ++refused;
      }
    }
  };
  std::thread other(work);
  work();
  other.join();
  executor_.run();
  EXPECT_EQ(executor_.get_tensor("rows").data<float>()[31], 310.0f);
}

}  // namespace
}  // namespace dovetail
