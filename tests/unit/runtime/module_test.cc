// A library's functions: names, devices, and calls without an executor.
#include <dovetail/runtime.h>
#include <gtest/gtest.h>

#include <thread>

#include "unit/runtime/expect_error.h"

extern "C" const dv_library specimen_library;

namespace dovetail {
namespace {

class Library : public testing::Test {
 protected:
  const Module lib_ = Module::system_lib(&specimen_library);
};

Tensor filled(std::vector<int64_t> shape, float value) {
  Tensor x = Tensor::empty(std::move(shape), DType::of<float>());
  std::fill_n(x.data<float>(), x.num_elements(), value);
  return x;
}

TEST_F(Library, TheDefaultIsTheFirstModel) {
  EXPECT_EQ(lib_.model("default"), specimen_library.models[0]);
  EXPECT_EQ(&Executor(lib_["default"](cpu())).model(), specimen_library.models[0]);
  EXPECT_EQ(&Executor(lib_["default.debug"](cpu())).model(), specimen_library.models[0]);
}

TEST_F(Library, AnUnknownNameListsTheNames) {
  for (const char* name : {"nothing", "scale.", "scale.runs", ".run", "scale.run.debug", ""}) {
    expect_error(ErrorKind::kKey,
                 "the library in this program has no function '" + std::string(name) +
                     "'; it has: scale, scale.debug, scale.run, scale.load_params, add, add.debug, "
                     "add.run, add.load_params, shift, shift.debug, shift.run, "
                     "shift.load_params, default, default.debug, default.run, "
                     "default.load_params",
                 [&] { lib_[name]; });
  }
  expect_error(ErrorKind::kKey,
               "the library in this program has no model 'nothing'; it has: scale, add, shift",
               [&] { lib_.model("nothing"); });
  expect_error(ErrorKind::kValue, "the library in this program is null",
               [] { Module::system_lib(nullptr); });
}

TEST_F(Library, TakesDevicesOneByOneAndInLists) {
  for (const std::string name : {"scale", "scale.debug", "default"}) {
    const Function factory = lib_[name];
    factory(cpu());
    factory(cpu(0), cpu(0));
    factory({cpu(0)});
    factory({cpu(0), cpu(0)});
    factory(std::vector<Device>{cpu()}, cpu());
  }
}

TEST_F(Library, RefusesDevicesThatAreNotThere) {
  const Function factory = lib_["scale"];
  const auto refused = [&](ErrorKind kind, const std::string& message, const auto&... args) {
    expect_error(kind, "model 'scale' " + message, [&] { factory(args...); });
  };
  refused(ErrorKind::kValue, "cannot run on cuda:0; it runs on cpu:0", Device{2, 0});
  refused(ErrorKind::kValue, "cannot run on cpu:1; it runs on cpu:0", cpu(1));
  refused(ErrorKind::kValue, "cannot run on metal:3; it runs on cpu:0", cpu(), Device{8, 3});
  refused(ErrorKind::kValue, "cannot run on cuda:1; it runs on cpu:0",
          std::vector<Device>{cpu(), {2, 1}});
  refused(ErrorKind::kType, "takes devices, got none; it runs on cpu:0");
  refused(ErrorKind::kType, "takes devices, got none; it runs on cpu:0", std::vector<Device>());
  refused(ErrorKind::kType, "takes devices, got str", "cpu");
  refused(ErrorKind::kType, "takes devices, got int", cpu(), 0);
}

TEST_F(Library, IsCalledWithoutAnExecutor) {
  const Tensor y = lib_["scale.run"](filled({2, 4}, 3)).as<Tensor>();
  EXPECT_EQ(y.shape(), (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(y.data<float>()[5], -6.0f);
  // Its memory is its own: another call leaves it as it is.
  const Tensor z = lib_["default.run"](filled({2, 4}, 1)).as<Tensor>();
  EXPECT_EQ(y.data<float>()[5], -6.0f);
  EXPECT_EQ(z.data<float>()[5], -2.0f);
  const Tensor sum = lib_["add.run"](filled({2, 3}, 1), filled({2, 3}, 2)).as<Tensor>();
  EXPECT_EQ(sum.data<float>()[0], 3.0f);
}

TEST_F(Library, RefusesCallsThatDoNotFit) {
  expect_error(ErrorKind::kType, "model 'add' has 2 inputs, got 1",
               [&] { lib_["add.run"](filled({2, 3}, 1)); });
  expect_error(ErrorKind::kType, "model 'scale' takes tensors, got Device",
               [&] { lib_["scale.run"](cpu()); });
  expect_error(ErrorKind::kValue, "input 'x' has shape [2,3], expected [batch,4]",
               [&] { lib_["scale.run"](filled({2, 3}, 1)); });
  // The next call is not the worse for it.
  EXPECT_EQ(lib_["scale.run"](filled({1, 4}, 1)).as<Tensor>().data<float>()[3], 10.0f);
}

TEST_F(Library, AnOutputOutlivesEverything) {
  Tensor y;
  {
    const Function run = Module::system_lib(&specimen_library)["scale.run"];
    y = run(filled({8, 4}, 2)).as<Tensor>();
  }
  EXPECT_EQ(y.data<float>()[31], 20.0f);
}

TEST_F(Library, ManyThreadsCallAtOnce) {
  const Function run = lib_["scale.run"];
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&run, t] {
      for (int repeat = 0; repeat < 200; ++repeat) {
        const int64_t rows = 1 + (t + repeat) % 8;
        const auto value = static_cast<float>(100 * t + repeat);
        const Tensor y = run(filled({rows, 4}, value)).as<Tensor>();
        ASSERT_EQ(y.shape()[0], rows);
        for (int64_t i = 0; i < rows; ++i) ASSERT_EQ(y.data<float>()[4 * i + 1], -2 * value);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace dovetail
