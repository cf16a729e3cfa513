// Params that a library does not package, on the specimen's model `shift`: y = x + 2 * bias + 1.
#include <dovetail/runtime.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "unit/runtime/expect_error.h"

extern "C" const dv_library specimen_library;

namespace dovetail {
namespace {

namespace fs = std::filesystem;

const char kNoParams[] =
    "model 'shift' has no params: its library was made with --no-params; call load_params first "
    "(dovetail run and bench: --params FILE)";

Params params_of(float bias) {
  Params params;
  Tensor values = Tensor::empty({4}, DType::of<float>());
  for (int i = 0; i < 4; ++i) values.data<float>()[i] = bias;
  params.tensors["bias"] = values;
  params.tensors["unused"] = Tensor::empty({2}, DType::of<float>());
  return params;
}

float shifted(Executor& executor) {
  const float x[] = {0, 0, 0, 0};
  executor.set_input(0, Tensor::view(x, {4}));
  executor.run();
  return executor.get_output(0).data<float>()[3];
}

TEST(Params, ExecutorsKeepWhatTheyWereMadeWith) {
  const Module lib = Module::system_lib(&specimen_library);
  Executor before(lib["shift"](cpu()));
  expect_error(ErrorKind::kState, kNoParams, [&] { shifted(before); });
  lib["shift.load_params"](params_of(1));
  Executor first(lib["shift"](cpu()));
  lib["shift.load_params"](params_of(2));
  Executor second(lib["shift"](cpu()));
  EXPECT_EQ(shifted(first), 3);
  EXPECT_EQ(shifted(second), 5);
  expect_error(ErrorKind::kState, kNoParams, [&] { shifted(before); });
  second.load_params(params_of(3));
  EXPECT_EQ(shifted(second), 7);
  Executor third(lib["shift"](cpu()));
  EXPECT_EQ(shifted(third), 5);
  third.module()["load_params"](params_of(4));
  EXPECT_EQ(shifted(third), 9);
}

TEST(Params, AreSharedWithoutACopy) {
  const Module lib = Module::system_lib(&specimen_library);
  Executor taker(lib["shift"](cpu()));
  {
    Executor giver(lib["shift"](cpu()));
    expect_error(
        ErrorKind::kState,
        "the executor of model 'shift' has no params to share: call load_params on it first",
        [&] { taker.share_params(giver); });
    giver.load_params(params_of(6));
    taker.share_params(giver);
    giver.load_params(params_of(7));
  }
  EXPECT_EQ(shifted(taker), 13);  // the giver is gone
  Executor third(lib["shift"](cpu()));
  third.module()["share_params"](taker.module());
  EXPECT_EQ(shifted(third), 13);
  third.share_params(third);
  EXPECT_EQ(shifted(third), 13);
  const Executor other(lib["scale"](cpu()));
  expect_error(
      ErrorKind::kValue,
      "the executor of model 'shift' takes the params of an executor of the same model, got "
      "the executor of model 'scale'",
      [&] { taker.share_params(other); });
  expect_error(ErrorKind::kType,
               "the library in this program is not an executor; call one of its functions with a "
               "Device to make one",
               [&] { third.module()["share_params"](lib); });
}

TEST(Params, AreRefusedWholeWithEveryFault) {
  const Module lib = Module::system_lib(&specimen_library);
  Executor executor(lib["shift"](cpu()));
  executor.load_params(params_of(1));
  Params wrong;
  wrong.tensors["bias"] = Tensor::empty({2, 4}, DType::of<float>());
  wrong.tensors["axes"] = Tensor::empty({2}, DType::of<int64_t>());
  wrong.tensors["axes"].data<int64_t>()[0] = 5;
  const std::string faults =
      "param 'bias' has shape [2,4], expected [4]; param 'unused' is missing; frozen value 'axes' "
      "is "
      "another than the one that shaped the library's code; build it anew";
  expect_error(ErrorKind::kValue, faults, [&] { executor.load_params(wrong); });
  expect_error(ErrorKind::kValue, faults, [&] { lib["shift.load_params"](wrong); });
  EXPECT_EQ(shifted(executor), 3);
  wrong.tensors["unused"] = Tensor();  // undefined is as good as not there
  expect_error(ErrorKind::kValue, faults, [&] { executor.load_params(wrong); });
  Params frozen = params_of(2);  // the same frozen value, and a name of another model
  const int64_t axes[] = {0, 1};
  frozen.tensors["axes"] = Tensor::view(axes, {2});
  frozen.tensors["other"] = frozen.tensors["axes"];
  executor.load_params(frozen);
  EXPECT_EQ(shifted(executor), 5);
  expect_error(ErrorKind::kType, "shift.load_params takes (Params), got 0 arguments",
               [&] { lib["shift.load_params"](); });
  expect_error(ErrorKind::kType, "expected Params, got int", [&] { lib["shift.load_params"](1); });
}

TEST(Params, APackagingLibraryRefusesThem) {
  const Module lib = Module::system_lib(&specimen_library);
  const std::string message =
      "model 'scale' has its params in its library; to load others, build it with --no-params";
  Executor executor(lib["default"](cpu()));
  expect_error(ErrorKind::kState, message, [&] { lib["scale.load_params"](params_of(1)); });
  expect_error(ErrorKind::kState, message, [&] { executor.load_params(params_of(1)); });
  expect_error(ErrorKind::kState, message, [&] { executor.share_params(executor); });
}

TEST(Params, StatelessCallsUseTheNewestOnes) {
  const Module lib = Module::system_lib(&specimen_library);
  const float zeros[] = {0, 0, 0, 0};
  const auto call = [&] {
    return lib["shift.run"](Tensor::view(zeros, {4})).as<Tensor>().data<float>()[0];
  };
  expect_error(ErrorKind::kState, kNoParams, call);
  for (const float bias : {1.0F, 2.0F}) {
    lib["shift.load_params"](params_of(bias));
    EXPECT_EQ(call(), 2 * bias + 1);
    EXPECT_EQ(call(), 2 * bias + 1);
  }
}

// Under the address sanitizer nothing may leak; old executors die in the middle.
TEST(Params, ThousandSwapsOnALiveModel) {
  const Module lib = Module::system_lib(&specimen_library);
  std::vector<Executor> executors;
  for (int swap = 0; swap < 1000; ++swap) {
    const auto bias = static_cast<float>(swap);
    lib["shift.load_params"](params_of(bias));
    executors.emplace_back(lib["shift"](cpu()));
    EXPECT_EQ(shifted(executors.front()),
              2 * (bias - static_cast<float>(executors.size() - 1)) + 1);
    EXPECT_EQ(shifted(executors.back()), 2 * bias + 1);
    if (executors.size() == 10) executors.erase(executors.begin());
  }
}

TEST(Params, AreSwappedWhileOthersRun) {
  const Module lib = Module::system_lib(&specimen_library);
  lib["shift.load_params"](params_of(0));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int repeat = 0; repeat < 50; ++repeat) {
        Executor executor(lib["shift"](cpu()));
        const float first = shifted(executor);
        EXPECT_EQ(shifted(executor), first);
      }
    });
  }
  for (int swap = 0; swap < 100; ++swap) lib["shift.load_params"](params_of(1));
  for (std::thread& thread : threads) thread.join();
}

TEST(Params, PassThroughAFileThatIsMapped) {
  const fs::path path = fs::path(testing::TempDir()) / "params.safetensors";
  params_of(8).save(path);
  const Params read = Params::load(path);
  const Tensor& bias = read.tensors.at("bias");
  EXPECT_TRUE(bias.is_read_only());
  std::ifstream maps("/proc/self/maps");
  bool mapped = false;
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0, end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx", &begin, &end) != 2) continue;
    const auto place = reinterpret_cast<uintptr_t>(bias.raw_data());
    mapped |= place >= begin && place < end && line.find("params.safetensors") != std::string::npos;
  }
  EXPECT_TRUE(mapped);
  Executor executor(Module::system_lib(&specimen_library)["shift"](cpu()));
  executor.load_params(read);
  EXPECT_EQ(shifted(executor), 17);
  fs::remove(path);
}

TEST(Params, AreNotSavedWhenOneCouldNotBeRead) {
  const fs::path path = fs::path(testing::TempDir()) / "refused.safetensors";
  fs::remove(path);
  Params params = params_of(8);
  params.tensors["pairs"] = Tensor::empty({4}, dv_dtype{DV_FLOAT, 32, 2});
  expect_error(ErrorKind::kUnsupported,
               path.string() +
                   ": tensor 'pairs' has a dtype of code 2, 32 bits and lanes 2, which the format "
                   "does not have; convert it to one of F64, F32, F16, I64, BF16, I32, I16, I8, "
                   "U64, U32, U16, U8, BOOL",
               [&] { params.save(path); });
  params.tensors["pairs"] = Tensor();
  expect_error(ErrorKind::kValue, "tensor 'pairs' is undefined: set it or take it out",
               [&] { params.save(path); });
  EXPECT_FALSE(fs::exists(path));
}

}  // namespace
}  // namespace dovetail
