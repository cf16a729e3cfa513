// dovetail run LIB --output-dir DIR
#include <dovetail/runtime.h>
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "base/error.h"
#include "commands.h"
#include "inputs.h"
#include "npy.h"

namespace dovetail::tool {
namespace {

namespace fs = std::filesystem;

void run(const InputOptions& options, const fs::path& folder) {
  Executor executor = make_executor(options);
  const std::vector<Tensor> inputs = make_inputs(executor.model(), options);
  for (size_t k = 0; k < inputs.size(); ++k) executor.set_input(k, inputs[k]);
  executor.run();
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw_error(ErrorKind::kIo, "cannot make the folder {}: {}", folder.string(), error.message());
  for (int k = 0; k < executor.num_outputs(); ++k) {
    const Tensor output = executor.get_output(k);
    write_npy(folder / fmt::format("{}.npy", k), output.dtype(), output.shape(),
              {static_cast<const std::byte*>(output.raw_data()), output.num_bytes()});
  }
}

}  // namespace

void add_run(CLI::App& app) {
  struct Options : InputOptions {
    std::string folder;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("run", "Run a model once and write its outputs");
  add_input_options(*command, *options);
  command->add_option("--random", options->random, "Seed: inputs that are not given are random");
  command->add_option("--output-dir", options->folder, "Output k becomes DIR/k.npy")->required();
  command->callback([options] { run(*options, options->folder); });
}

}  // namespace dovetail::tool
