// runtime_c.h on the hand-written specimen: the answers and errors of runtime.h, as codes.
#include <dovetail/runtime_c.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

extern "C" const dv_library specimen_library;

namespace {

// A tensor over the vectors it is made of.
struct Rows {
  explicit Rows(int64_t count) : shape{count, 4}, data(4 * count) {
    for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<float>(i);
    tensor = {data.data(), {DV_CPU, 0}, 2, {DV_FLOAT, 32, 1}, shape.data(), nullptr, 0};
  }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;
  std::vector<int64_t> shape;
  std::vector<float> data;
  dv_tensor tensor;
};

class CApi : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(dovetail_module_system_lib(&specimen_library, &module_, &error_), DV_OK);
    ASSERT_EQ(dovetail_executor_create(module_, "scale", nullptr, 0, &executor_, &error_), DV_OK);
  }
  void TearDown() override {
    dovetail_executor_release(executor_);
    dovetail_module_release(module_);
  }
  void expect_error(int32_t code, int32_t expected, const std::string& message) const {
    EXPECT_EQ(code, expected);
    EXPECT_EQ(error_.code, expected);
    EXPECT_EQ(error_.message, message);
  }

  dovetail_module* module_ = nullptr;
  dovetail_executor* executor_ = nullptr;
  dv_error error_ = {};
};

TEST_F(CApi, RunsAModel) {
  EXPECT_EQ(dovetail_module_library(module_), &specimen_library);
  EXPECT_STREQ(dovetail_executor_model(executor_)->name, "scale");
  Rows x(3), copy(3);
  int32_t input = -1, output = -1;
  ASSERT_EQ(dovetail_input_index(executor_, "x", &input, &error_), DV_OK);
  ASSERT_EQ(dovetail_output_index(executor_, "y", &output, &error_), DV_OK);
  ASSERT_EQ(dovetail_set_input(executor_, input, &x.tensor, &error_), DV_OK) << error_.message;
  ASSERT_EQ(dovetail_run(executor_, &error_), DV_OK) << error_.message;
  dv_tensor y;
  ASSERT_EQ(dovetail_get_output(executor_, output, &y, &error_), DV_OK);
  ASSERT_EQ(y.ndim, 2);
  EXPECT_EQ(y.shape[0], 3);
  ASSERT_EQ(dovetail_copy_output(executor_, output, &copy.tensor, &error_), DV_OK);
  const float weights[] = {1.0f, -2.0f, 0.5f, 10.0f};
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(static_cast<const float*>(y.data)[i], static_cast<float>(i) * weights[i % 4]);
    EXPECT_EQ(copy.data[i], static_cast<const float*>(y.data)[i]);
  }
}

TEST_F(CApi, BorrowsMemory) {
  Rows x(2), y(2);
  ASSERT_EQ(dovetail_set_input_zero_copy(executor_, 0, &x.tensor, &error_), DV_OK);
  ASSERT_EQ(dovetail_set_output_zero_copy(executor_, 0, &y.tensor, &error_), DV_OK);
  x.data[1] = 5;
  ASSERT_EQ(dovetail_run(executor_, &error_), DV_OK);
  EXPECT_EQ(y.data[1], -10.0f);
  ASSERT_EQ(dovetail_set_output_zero_copy(executor_, 0, nullptr, &error_), DV_OK);
  ASSERT_EQ(dovetail_executor_set_num_threads(executor_, 1, &error_), DV_OK);
  dv_tensor view;
  ASSERT_EQ(dovetail_get_input(executor_, 0, &view, &error_), DV_OK);
  EXPECT_EQ(view.data, x.data.data());
}

TEST_F(CApi, CallsWithoutAnExecutor) {
  Rows x(2), y(2);
  ASSERT_EQ(dovetail_call(module_, nullptr, &x.tensor, 1, &y.tensor, 1, &error_), DV_OK)
      << error_.message;
  EXPECT_EQ(y.data[1], -2.0f);
  Rows narrow(1);
  expect_error(dovetail_call(module_, "scale", &x.tensor, 1, &narrow.tensor, 1, &error_),
               DV_VALUE_ERROR,
               "output 'y' has shape [2,4], but the tensor to copy it to has shape [1,4]");
  expect_error(dovetail_call(module_, "scale", &x.tensor, 1, nullptr, 0, &error_), DV_TYPE_ERROR,
               "model 'scale' has 1 output, got 0");
  expect_error(dovetail_call(module_, "scale", nullptr, 0, &y.tensor, 1, &error_), DV_TYPE_ERROR,
               "model 'scale' has 1 input, got 0");
}

TEST_F(CApi, TellsAnObserver) {
  Rows x(2);
  ASSERT_EQ(dovetail_set_input(executor_, 0, &x.tensor, &error_), DV_OK);
  int steps = 0;
  dv_observer observer{sizeof(dv_observer), 0, &steps, [](void* self, const dv_call*, int32_t) {
                         return ++*static_cast<int*>(self) == 2 ? 1 : 0;
                       }};
  ASSERT_EQ(dovetail_run_observed(executor_, &observer, &error_), DV_OK);
  dv_tensor y;
  EXPECT_EQ(dovetail_get_output(executor_, 0, &y, &error_), DV_OK);
  ASSERT_EQ(dovetail_run_observed(executor_, &observer, &error_), DV_OK);
  EXPECT_EQ(steps, 2);
  EXPECT_EQ(dovetail_get_output(executor_, 0, &y, &error_), DV_STATE_ERROR);
  expect_error(dovetail_run_observed(executor_, nullptr, &error_), DV_VALUE_ERROR,
               "the observer is NULL");
}

TEST_F(CApi, AnExecutorOutlivesItsModule) {
  dovetail_module_release(module_);
  module_ = nullptr;
  Rows x(1);
  ASSERT_EQ(dovetail_set_input(executor_, 0, &x.tensor, &error_), DV_OK);
  EXPECT_EQ(dovetail_run(executor_, &error_), DV_OK);
}

// The specimen's model `shift`: y = x + 2 * bias + 1.
TEST_F(CApi, LoadsAndSharesParams) {
  dovetail_params* params = nullptr;
  dovetail_params* read = nullptr;
  dovetail_executor* a = nullptr;
  dovetail_executor* b = nullptr;
  Rows rows(1);  // bias is 0, 1, 2, 3
  dv_tensor bias = rows.tensor, unused = rows.tensor;
  bias.ndim = unused.ndim = 1;
  bias.shape = rows.shape.data() + 1;
  int64_t two = 2;
  unused.shape = &two;
  ASSERT_EQ(dovetail_params_create(&params, &error_), DV_OK);
  ASSERT_EQ(dovetail_params_set(params, "bias", &bias, &error_), DV_OK);
  expect_error(dovetail_module_load_params(module_, "shift", params, &error_), DV_VALUE_ERROR,
               "param 'unused' is missing");
  ASSERT_EQ(dovetail_params_set(params, "unused", &unused, &error_), DV_OK);
  const std::string path = testing::TempDir() + "c_api.safetensors";
  ASSERT_EQ(dovetail_params_save(params, path.c_str(), &error_), DV_OK);
  ASSERT_EQ(dovetail_params_load(path.c_str(), &read, &error_), DV_OK) << error_.message;
  ASSERT_EQ(dovetail_executor_create(module_, "shift", nullptr, 0, &a, &error_), DV_OK);
  ASSERT_EQ(dovetail_module_load_params(module_, "shift", read, &error_), DV_OK) << error_.message;
  dv_tensor view;
  ASSERT_EQ(dovetail_params_get(read, "bias", &view, &error_), DV_OK);
  EXPECT_EQ(static_cast<const float*>(view.data)[3], 3);
  expect_error(dovetail_params_get(read, "b", &view, &error_), DV_KEY_ERROR,
               "there is no param 'b'");
  dovetail_params_release(read);
  ASSERT_EQ(dovetail_executor_create(module_, "shift", nullptr, 0, &b, &error_), DV_OK);
  EXPECT_EQ(dovetail_share_params(a, b, &error_), DV_OK) << error_.message;
  rows.data[3] = 10;
  EXPECT_EQ(dovetail_load_params(b, params, &error_), DV_OK) << error_.message;
  const float expected[] = {7, 21};
  dovetail_executor* const executors[] = {a, b};
  for (int k = 0; k < 2; ++k) {
    Rows x(1);
    dv_tensor in = bias;
    in.data = x.data.data();
    x.data[3] = 0;
    ASSERT_EQ(dovetail_set_input(executors[k], 0, &in, &error_), DV_OK);
    ASSERT_EQ(dovetail_run(executors[k], &error_), DV_OK);
    ASSERT_EQ(dovetail_get_output(executors[k], 0, &view, &error_), DV_OK);
    EXPECT_EQ(static_cast<const float*>(view.data)[3], expected[k]);
  }
  expect_error(dovetail_load_params(executor_, params, &error_), DV_STATE_ERROR,
               "model 'scale' has its params in its library; to load others, build it with "
               "--no-params");
  dovetail_executor_release(a);
  dovetail_executor_release(b);
  dovetail_params_release(params);
}

TEST_F(CApi, ErrorsAreCodesAndSentences) {
  dovetail_module* module = nullptr;
  expect_error(dovetail_module_load("no/such.so", &module, &error_), DV_RUNTIME_ERROR,
               "cannot read no/such.so: No such file or directory");
  dovetail_executor* executor = nullptr;
  expect_error(dovetail_executor_create(module_, "b", nullptr, 0, &executor, &error_), DV_KEY_ERROR,
               "the library in this program has no model 'b'; it has: scale, add, shift");
  const dv_device device = {2, 0};
  expect_error(dovetail_executor_create(module_, "scale", &device, 1, &executor, &error_),
               DV_VALUE_ERROR, "model 'scale' cannot run on cuda:0; it runs on cpu:0");
  int32_t index = 0;
  expect_error(dovetail_input_index(executor_, "q", &index, &error_), DV_KEY_ERROR,
               "model 'scale' has no input 'q'; it has: x");
  expect_error(dovetail_set_input(executor_, 0, nullptr, &error_), DV_TYPE_ERROR,
               "the tensor is NULL");
  Rows x(1);
  x.tensor.ndim = -1;
  expect_error(dovetail_set_input(executor_, 0, &x.tensor, &error_), DV_VALUE_ERROR,
               "the tensor has -1 axes and no shape");
  expect_error(dovetail_set_num_threads(0, &error_), DV_VALUE_ERROR,
               "0 threads are asked for; expected 1 to 1024");
  expect_error(dovetail_executor_set_num_threads(executor_, 1025, &error_), DV_VALUE_ERROR,
               "1025 threads are asked for; expected 1 to 1024");
  EXPECT_EQ(dovetail_run(executor_, nullptr), DV_STATE_ERROR);
}

TEST_F(CApi, NullHandlesAreErrors) {
  Rows x(1);
  int32_t index = 0;
  dv_tensor view;
  dovetail_executor* made = nullptr;
  dovetail_params* params = nullptr;
  ASSERT_EQ(dovetail_params_create(&params, &error_), DV_OK);
  EXPECT_EQ(dovetail_module_library(nullptr), nullptr);
  EXPECT_EQ(dovetail_executor_model(nullptr), nullptr);
  const auto refused = [&](const std::string& what, int32_t code) {
    expect_error(code, DV_VALUE_ERROR, what + " is NULL");
    error_ = {};
  };
  refused("the module", dovetail_executor_create(nullptr, nullptr, nullptr, 0, &made, &error_));
  refused("the module", dovetail_call(nullptr, "scale", &x.tensor, 1, &x.tensor, 1, &error_));
  refused("the module", dovetail_module_load_params(nullptr, "shift", params, &error_));
  refused("the executor", dovetail_input_index(nullptr, "x", &index, &error_));
  refused("the executor", dovetail_output_index(nullptr, "y", &index, &error_));
  refused("the executor", dovetail_set_input(nullptr, 0, &x.tensor, &error_));
  refused("the executor", dovetail_set_input_zero_copy(nullptr, 0, &x.tensor, &error_));
  refused("the executor", dovetail_set_output_zero_copy(nullptr, 0, &x.tensor, &error_));
  refused("the executor", dovetail_run(nullptr, &error_));
  const dv_observer observer{};
  refused("the executor", dovetail_run_observed(nullptr, &observer, &error_));
  refused("the executor", dovetail_get_input(nullptr, 0, &view, &error_));
  refused("the executor", dovetail_get_output(nullptr, 0, &view, &error_));
  refused("the executor", dovetail_copy_output(nullptr, 0, &x.tensor, &error_));
  refused("the executor", dovetail_load_params(nullptr, params, &error_));
  refused("the executor", dovetail_share_params(nullptr, executor_, &error_));
  refused("the executor", dovetail_executor_set_num_threads(nullptr, 1, &error_));
  refused("the other executor", dovetail_share_params(executor_, nullptr, &error_));
  refused("the params object", dovetail_params_set(nullptr, "a", &x.tensor, &error_));
  refused("the params object", dovetail_params_get(nullptr, "a", &view, &error_));
  refused("the params object", dovetail_params_save(nullptr, "a", &error_));
  refused("the params object", dovetail_load_params(executor_, nullptr, &error_));
  refused("the params object", dovetail_module_load_params(module_, "shift", nullptr, &error_));
  dovetail_params_release(params);
}

TEST_F(CApi, OtherNullsAreErrors) {
  Rows x(1);
  dovetail_module* module = nullptr;
  dovetail_executor* made = nullptr;
  dovetail_params* params = nullptr;
  dv_tensor view;
  int32_t index = 0;
  ASSERT_EQ(dovetail_params_create(&params, &error_), DV_OK);
  const auto refused = [&](const std::string& what, int32_t code) {
    expect_error(code, DV_VALUE_ERROR, what + " is NULL");
    error_ = {};
  };
  refused("the path", dovetail_module_load(nullptr, &module, &error_));
  refused("the path", dovetail_params_load(nullptr, &params, &error_));
  refused("the path", dovetail_params_save(params, nullptr, &error_));
  refused("the name", dovetail_input_index(executor_, nullptr, &index, &error_));
  refused("the name", dovetail_output_index(executor_, nullptr, &index, &error_));
  refused("the name", dovetail_params_set(params, nullptr, &x.tensor, &error_));
  refused("the name", dovetail_params_get(params, nullptr, &view, &error_));
  refused("the list of devices",
          dovetail_executor_create(module_, "scale", nullptr, 1, &made, &error_));
  refused("the list of inputs", dovetail_call(module_, "scale", nullptr, 1, &x.tensor, 1, &error_));
  refused("the list of outputs",
          dovetail_call(module_, "scale", &x.tensor, 1, nullptr, 1, &error_));
  const std::string place = "the place for the result";
  refused(place, dovetail_module_load("no/such.so", nullptr, &error_));
  refused(place, dovetail_module_system_lib(&specimen_library, nullptr, &error_));
  refused(place, dovetail_executor_create(module_, "scale", nullptr, 0, nullptr, &error_));
  refused(place, dovetail_input_index(executor_, "x", nullptr, &error_));
  refused(place, dovetail_output_index(executor_, "y", nullptr, &error_));
  refused(place, dovetail_get_input(executor_, 0, nullptr, &error_));
  refused(place, dovetail_get_output(executor_, 0, nullptr, &error_));
  refused(place, dovetail_params_create(nullptr, &error_));
  refused(place, dovetail_params_load("no/such", nullptr, &error_));
  refused(place, dovetail_params_get(params, "a", nullptr, &error_));
  dovetail_params_release(params);
}

}  // namespace
