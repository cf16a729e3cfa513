// Threads that build and export at once write the same bytes as one after the other.
#include <dovetail/compiler.h>
#include <gtest/gtest.h>
#include <onnx/onnx-ml.pb.h>

#include <fstream>
#include <future>
#include <iterator>

namespace dovetail {
namespace {

namespace fs = std::filesystem;

// y = operator(x) of n floats
void write_model(const fs::path& path, const std::string& operator_type) {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(17);
  onnx::GraphProto& graph = *model.mutable_graph();
  graph.set_name("graph");
  onnx::NodeProto& node = *graph.add_node();
  node.set_op_type(operator_type);
  node.add_input("x");
  node.add_output("y");
  const auto describe = [](onnx::ValueInfoProto& value, const char* name) {
    value.set_name(name);
    auto& type = *value.mutable_type()->mutable_tensor_type();
    type.set_elem_type(onnx::TensorProto::FLOAT);
    type.mutable_shape()->add_dim()->set_dim_param("n");
  };
  describe(*graph.add_input(), "x");
  describe(*graph.add_output(), "y");
  std::ofstream(path, std::ios::binary) << model.SerializeAsString();
}

std::string exported(const fs::path& onnx, const fs::path& folder) {
  fs::create_directories(folder);
  const fs::path library = folder / "model.so";
  export_library({build(onnx)}, library);
  std::ifstream in(library, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(ExportLibrary, ByManyThreadsAtOnce) {
  const fs::path folder = fs::path(testing::TempDir()) / "by_many_threads_at_once";
  fs::create_directories(folder);
  std::vector<fs::path> models;
  std::vector<std::string> expected;
  for (const char* type : {"Relu", "Tanh", "Exp", "Softmax", "Sigmoid"}) {
    models.push_back(folder / (std::string(type) + ".onnx"));
    write_model(models.back(), type);
    expected.push_back(exported(models.back(), folder / "alone"));
  }
  const auto export_all = [&](size_t thread) {
    for (size_t k = 0; k < models.size(); ++k) {
      const size_t model = (k + thread) % models.size();
      EXPECT_TRUE(exported(models[model], folder / std::to_string(thread)) == expected[model])
          << models[model];
    }
  };
  std::vector<std::future<void>> threads;
  for (size_t t = 0; t < 4; ++t) threads.push_back(std::async(std::launch::async, export_all, t));
  for (std::future<void>& thread : threads) thread.get();
  fs::remove_all(folder);
}

}  // namespace
}  // namespace dovetail
