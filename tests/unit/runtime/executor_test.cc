// Modules and executors on the hand-written specimen, linked into this program.
#include <dovetail/runtime.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <thread>

#include "unit/runtime/expect_error.h"

extern "C" const dv_library specimen_library;

namespace dovetail {
namespace {

const float kWeights[] = {1.0f, -2.0f, 0.5f, 10.0f};

Tensor rows(int64_t count) {
  Tensor x = Tensor::empty({count, 4}, DType::of<float>());
  std::iota(x.data<float>(), x.data<float>() + x.num_elements(), 0.0f);
  return x;
}

void expect_scaled(const Tensor& y, int64_t count) {
  ASSERT_EQ(y.shape(), (std::vector<int64_t>{count, 4}));
  for (int64_t i = 0; i < y.num_elements(); ++i) {
    EXPECT_EQ(y.data<float>()[i], static_cast<float>(i) * kWeights[i % 4]) << i;
  }
}

TEST(Executor, RunsByNameAndByIndex) {
  const Module lib = Module::system_lib(&specimen_library);
  Executor executor(lib["scale"](cpu()));
  EXPECT_EQ(executor.num_inputs(), 1);
  EXPECT_EQ(executor.num_outputs(), 1);
  for (const int64_t count : {1, 8, 3}) {
    executor.set_input("x", rows(count));
    executor.run();
    expect_scaled(executor.get_output("y"), count);
    expect_scaled(executor.get_output(0), count);
  }
}

TEST(Executor, IsAModuleOfFunctions) {
  const Module lib = Module::system_lib(&specimen_library);
  const auto executor = lib["default"](cpu()).as<Module>();
  executor["set_input"]("x", rows(2));
  executor["run"]();
  expect_scaled(executor["get_output"](0).as<Tensor>(), 2);
  EXPECT_EQ(executor["num_outputs"]().as<int64_t>(), 1);
}

TEST(Executor, ReadsAndWritesTheCallersMemory) {
  Executor executor(Module::system_lib(&specimen_library)["scale"](cpu()));
  const Tensor x = rows(2);
  const Tensor y = Tensor::empty({2, 4}, DType::of<float>());
  executor.set_input_zero_copy("x", x);
  executor.set_output_zero_copy(0, y);
  executor.run();
  expect_scaled(y, 2);
  x.data<float>()[0] = 5;
  executor.run();
  EXPECT_EQ(y.data<float>()[0], 5);
}

TEST(Executor, AnOutputOutlivesIt) {
  Tensor y;
  {
    Executor executor(Module::system_lib(&specimen_library)["scale"](cpu()));
    executor.set_input(0, rows(8));
    executor.run();
    y = executor.get_output(0);
  }
  expect_scaled(y, 8);
}

TEST(Executor, SameBitsForAnyNumberOfThreads) {
  for (const int threads : {1, 2, 5}) {
    set_num_threads(threads);
    Executor executor(Module::system_lib(&specimen_library)["scale"](cpu()));
    for (int repeat = 0; repeat < 50; ++repeat) {
      executor.set_input("x", rows(8));
      executor.run();
      expect_scaled(executor.get_output(0), 8);
    }
  }
  set_num_threads(1);
}

TEST(Executor, ManyThreadsRunOneModel) {
  const Module lib = Module::system_lib(&specimen_library);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&lib, t] {
      Executor executor(lib["scale"](cpu()));
      for (int repeat = 0; repeat < 20; ++repeat) {
        executor.set_input("x", rows(1 + t % 8));
        executor.run();
        expect_scaled(executor.get_output(0), 1 + t % 8);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Executor, ARefusedRunEndsTheResultsOfTheOneBefore) {
  Executor executor(Module::system_lib(&specimen_library)["add"](cpu()));
  const auto set = [&](const char* input, int64_t count) {
    Tensor ones = Tensor::empty({count, 3}, DType::of<float>());
    std::fill_n(ones.data<float>(), ones.num_elements(), 1.0f);
    executor.set_input(input, ones);
  };
  const auto result = [&] { return executor.get_output("z").data<float>()[5]; };
  set("a", 2);
  set("b", 2);
  executor.run();
  EXPECT_EQ(result(), 2);
  set("b", 3);
  expect_error(ErrorKind::kValue, "dim 'n' is 2 in input 'a' (axis 0) but 3 in input 'b' (axis 0)",
               [&] { executor.run(); });
  expect_error(ErrorKind::kState, "output 'z' holds no result yet: call run first", result);
  set("b", 2);
  executor.run();
  EXPECT_EQ(result(), 2);
}

TEST(Executor, MovedFromIsRefused) {
  const Module lib = Module::system_lib(&specimen_library);
  Executor from(lib["scale"](cpu()));
  Executor to(std::move(from));
  const std::string text = "expected an Executor, got one that was moved from";
  // NOLINTBEGIN(bugprone-use-after-move): what is tested
  expect_error(ErrorKind::kType, text, [&] { from.run(); });
  expect_error(ErrorKind::kType, text, [&] { from.set_input("x", rows(1)); });
  expect_error(ErrorKind::kType, text, [&] { from.num_inputs(); });
  expect_error(ErrorKind::kType, text, [&] { to.share_params(from); });
  // NOLINTEND(bugprone-use-after-move)
  to.set_input("x", rows(1));
  to.run();
  expect_scaled(to.get_output("y"), 1);
}

TEST(Executor, RefusesWithOneSentence) {
  const Module lib = Module::system_lib(&specimen_library);
  Executor executor(lib["scale"](cpu()));
  expect_error(ErrorKind::kValue, "input 'x' has shape [2,3], expected [batch,4]",
               [&] { executor.set_input("x", Tensor::empty({2, 3}, DType::of<float>())); });
  expect_error(ErrorKind::kType, "input 'x' has dtype float64, expected float32",
               [&] { executor.set_input("x", Tensor::empty({2, 4}, DType::of<double>())); });
  expect_error(ErrorKind::kState, "input 'x' is not set: set every input before run",
               [&] { executor.run(); });
  expect_error(ErrorKind::kKey, "model 'scale' has no input 'z'; it has: x",
               [&] { executor.set_input("z", rows(1)); });
  expect_error(ErrorKind::kKey, "model 'scale' has no output 1; it has: 0: y",
               [&] { executor.get_output(1); });
  expect_error(ErrorKind::kType,
               "the library in this program is not an executor; call one of its functions with a "
               "Device to make one",
               [&] { Executor{lib}; });
}

}  // namespace
}  // namespace dovetail
