// Runs the cases of a folder through generated code: each file becomes a library, which is loaded
// and run.
//
//   compile_cases FOLDER FIRST STRIDE
//
// Every STRIDE-th case from number FIRST on. A line for each: "RUN n", and when it is done "OK n",
// "REFUSED n" or "FAILED n REASON". Whoever reads the lines knows which case a crash belongs to.
#include <dovetail/compiler.h>
#include <dovetail/runtime.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/error.h"
#include "case.h"

namespace dovetail {
namespace {

namespace fs = std::filesystem;
using ir::TensorData;
using test::Case;

constexpr unsigned kSecondsPerCase = 300;  // much more than any takes: cores can be starved

DType runtime_dtype(ir::DType dtype) { return DType::named(ir::name_of(dtype)); }

std::vector<TensorData> run_library(const fs::path& path, const std::vector<TensorData>& inputs) {
  Executor executor(Module::load(path)["default"](cpu()));
  for (size_t i = 0; i < inputs.size(); ++i) {
    const TensorData& data = inputs[i];
    executor.set_input(static_cast<int64_t>(i), Tensor::view(data.bytes().data(), data.shape(),
                                                             runtime_dtype(data.dtype())));
  }
  executor.run();
  std::vector<TensorData> outputs;
  for (int k = 0; k < executor.num_outputs(); ++k) {
    const Tensor output = executor.get_output(k);
    const auto* bytes = static_cast<const std::byte*>(output.raw_data());
    const auto dtype = ir::dtype_named(output.dtype().name());
    DOVETAIL_CHECK(dtype.has_value(), "no dtype {}", output.dtype().name());
    outputs.emplace_back(*dtype, output.shape(),
                         std::vector<std::byte>(bytes, bytes + output.num_bytes()));
  }
  return outputs;
}

// "OK", "REFUSED" or "FAILED REASON"
std::string run(const Case& c, const fs::path& library) {
  try {
    BuildOptions options;
    options.name = "model";
    export_library({build(c.model_path(), options)}, library);
  } catch (const Error& error) {
    const bool expected =
        error.kind() != ErrorKind::kInternal && !c.refused_by_compiler.empty() &&
        std::string(error.what()).find(c.refused_by_compiler) != std::string::npos;
    return expected ? "REFUSED" : fmt::format("FAILED {}", error.what());
  }
  if (!c.refused_by_compiler.empty()) return "FAILED this was expected to be refused";
  const std::string differences = test::differences(run_library(library, c.read_inputs()), c);
  return differences.empty() ? "OK" : "FAILED " + differences;
}

void run_all(const fs::path& folder, size_t first, size_t stride) {
  const std::vector<Case> cases = test::read_cases(folder);
  const fs::path library = fs::temp_directory_path() / fmt::format("dovetail_case_{}.so", getpid());
  for (size_t k = first; k < cases.size(); k += stride) {
    fmt::print("RUN {}\n", k);
    std::fflush(stdout);
    alarm(kSecondsPerCase);
    std::string result;
    try {
      result = run(cases[k], library);
    } catch (const std::exception& error) {
      result = fmt::format("FAILED {}", error.what());
    }
    std::replace(result.begin(), result.end(), '\n', ' ');
    result.insert(std::min(result.find(' '), result.size()), fmt::format(" {}", k));
    fmt::print("{}\n", result);
    std::fflush(stdout);
  }
  alarm(0);
  fs::remove(library);
}

}  // namespace
}  // namespace dovetail

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: compile_cases FOLDER FIRST STRIDE\n");
    return 2;
  }
  dovetail::set_num_threads(1);
  dovetail::run_all(argv[1], std::strtoull(argv[2], nullptr, 10),
                    std::strtoull(argv[3], nullptr, 10));
  return 0;
}
