// dovetail run LIB --output-dir DIR
#include <dovetail/runtime.h>
#include <fmt/format.h>

#include <charconv>
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

AtomicFile write_tensor(const fs::path& path, const Tensor& tensor) {
  return write_npy(path, tensor.dtype(), tensor.shape(),
                   {static_cast<const std::byte*>(tensor.raw_data()), tensor.num_bytes()});
}

// Names of tensors are no names of files: tensor k is k.npy, names.json lists the names.
void write_tensors(const DebugExecutor& executor, const fs::path& folder,
                   std::vector<AtomicFile>* files) {
  make_folder(folder);
  nlohmann::json names = nlohmann::json::array();
  for (const std::string& name : executor.tensor_names()) {
    try {
      files->push_back(
          write_tensor(folder / fmt::format("{}.npy", names.size()), executor.get_tensor(name)));
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kState) continue;  // the run took another branch
      throw;
    }
    names.push_back(name);
  }
  const std::string text = names.dump() + "\n";
  files->emplace_back(folder / "names.json").write(std::as_bytes(std::span(text)));
}

void run(const Options& options) {
  if (!options.tensors.empty() && is_same_file(options.folder, options.tensors)) {
    throw_error(ErrorKind::kValue, "--tensors-dir {}: is the folder of --output-dir too",
                options.tensors);
  }
  Executor executor = make_executor(options, options.tensors.empty() ? "" : ".debug");
  const std::vector<Tensor> inputs = make_inputs(executor.model(), options);
  for (size_t k = 0; k < inputs.size(); ++k) executor.set_input(k, inputs[k]);
  executor.run();
  make_folder(options.folder);
  std::vector<AtomicFile> files;  // all or none
  for (int k = 0; k < executor.num_outputs(); ++k) {
    files.push_back(
        write_tensor(fs::path(options.folder) / fmt::format("{}.npy", k), executor.get_output(k)));
  }
  if (!options.tensors.empty())
    write_tensors(DebugExecutor(executor.module()), options.tensors, &files);
  for (AtomicFile& file : files) file.commit();
}

}  // namespace

void add_run(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("run", "Run a model once and write its outputs");
  add_input_options(*command, *options);
  command->add_option("--random", options->random, "Seed: inputs that are not given are random")
      ->check([](const std::string& text) {  // CLI11 takes -1 and what is too large
        uint64_t seed = 0;
        const char* end = text.data() + text.size();
        const auto [parsed, error] = std::from_chars(text.data(), end, seed);
        return error == std::errc() && parsed == end ? ""
                                                     : "'" + text + "' is no seed: 0 to 2^64-1";
      });
  command->add_option("--output-dir", options->folder, "Output k becomes DIR/k.npy")->required();
  command->add_option("--tensors-dir", options->tensors,
                      "Every tensor that lies in memory becomes DIR/k.npy, DIR/names.json has the "
                      "ONNX names");
  command->callback([options] { run(*options); });
}

}  // namespace dovetail::tool
