// dovetail run LIB --output-dir DIR
#include <dovetail/runtime.h>
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "commands.h"
#include "inputs.h"
#include "npy.h"

namespace dovetail::tool {
namespace {

namespace fs = std::filesystem;

struct Options : InputOptions {
  std::string folder;
  std::string tensors;  // a folder; empty: none
};

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw_error(ErrorKind::kIo, "cannot make the folder {}: {}", folder.string(), error.message());
}

void write_tensor(const fs::path& path, const Tensor& tensor) {
  write_npy(path, tensor.dtype(), tensor.shape(),
            {static_cast<const std::byte*>(tensor.raw_data()), tensor.num_bytes()});
}

// Names of tensors are no names of files: tensor k is k.npy, names.json lists the names.
void write_tensors(const DebugExecutor& executor, const fs::path& folder) {
  make_folder(folder);
  nlohmann::json names = nlohmann::json::array();
  for (const std::string& name : executor.tensor_names()) {
    try {
      write_tensor(folder / fmt::format("{}.npy", names.size()), executor.get_tensor(name));
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kState) continue;  // the run took another branch
      throw;
    }
    names.push_back(name);
  }
  const std::string text = names.dump() + "\n";
  write_file_atomically(folder / "names.json", std::as_bytes(std::span(text)));
}

void run(const Options& options) {
  Executor executor = make_executor(options, options.tensors.empty() ? "" : ".debug");
  const std::vector<Tensor> inputs = make_inputs(executor.model(), options);
  for (size_t k = 0; k < inputs.size(); ++k) executor.set_input(k, inputs[k]);
  executor.run();
  make_folder(options.folder);
  for (int k = 0; k < executor.num_outputs(); ++k) {
    write_tensor(fs::path(options.folder) / fmt::format("{}.npy", k), executor.get_output(k));
  }
  if (!options.tensors.empty()) write_tensors(DebugExecutor(executor.module()), options.tensors);
}

}  // namespace

void add_run(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("run", "Run a model once and write its outputs");
  add_input_options(*command, *options);
  command->add_option("--random", options->random, "Seed: inputs that are not given are random");
  command->add_option("--output-dir", options->folder, "Output k becomes DIR/k.npy")->required();
  command->add_option("--tensors-dir", options->tensors,
                      "Every tensor that lies in memory becomes DIR/k.npy, DIR/names.json has the "
                      "ONNX names");
  command->callback([options] { run(*options); });
}

}  // namespace dovetail::tool
