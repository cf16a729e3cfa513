// The inputs of `run`, `bench` and `profile`: from .npy files, or random.
#pragma once

#include <dovetail/runtime.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dovetail::tool {

struct InputOptions {
  std::string library;
  std::string model = "default";
  std::string params;               // a safetensors file; empty: the library's own
  std::vector<std::string> inputs;  // NAME=FILE.npy
  std::vector<std::string> dims;    // DIM=N
  std::optional<uint64_t> random;   // seed for the inputs that no file gives
};

// The options that all three have.
void add_input_options(CLI::App& command, InputOptions& options);

// Those of commands that time runs; inputs that are not given are random.
struct TimingOptions : InputOptions {
  int threads = 0;  // 0: what the runtime finds
  bool json = false;
};
void add_timing_options(CLI::App& command, TimingOptions& options);

// The chosen model of the library, with the params that are given. `kind`: "" or ".debug".
Executor make_executor(const InputOptions& options, const std::string& kind = "");

// One tensor per input of the model, in its order. Symbolic dimensions of random inputs come from
// --dim or from the inputs that files give. kKey: names the model does not have; kValue: an input
// or a dimension that nothing gives.
std::vector<Tensor> make_inputs(const dv_model& model, const InputOptions& options);

}  // namespace dovetail::tool
