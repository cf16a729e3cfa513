// Runs the cases of a folder through generated code: each file becomes a library, which is loaded
// and run.
//
//   compile_cases FOLDER FIRST STRIDE
//
// Every STRIDE-th case from number FIRST on. A case with later runs has them all on one executor,
// and then the first once more. A line for each: "RUN n", and when it is done "OK n", "REFUSED n"
// or "FAILED n REASON". Whoever reads the lines knows which case a crash belongs to.
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

std::vector<TensorData> run_once(Executor& executor, const std::vector<TensorData>& inputs) {
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

// What is wrong with the runs, "" when nothing is.
std::string run_library(const fs::path& library, const Case& c) {
  Executor executor(Module::load(library)["default"](cpu()));
  std::vector<const Case*> runs = {&c};
  for (const Case& later : c.later) runs.push_back(&later);
  if (runs.size() > 1) runs.push_back(&c);
  for (size_t k = 0; k < runs.size(); ++k) {
    const std::string where = k == 0 ? "" : fmt::format("run {}: ", k);
    try {
      const std::string text =
          test::differences(run_once(executor, runs[k]->read_inputs()), *runs[k]);
      if (!text.empty()) return where + text;
    } catch (const Error& error) {
      return where + error.what();
    }
  }
  return "";
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
  const std::string differences = run_library(library, c);
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
