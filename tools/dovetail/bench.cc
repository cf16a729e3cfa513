// dovetail bench LIB
#include <dovetail/runtime.h>
#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "inputs.h"
#include "timing.h"

namespace dovetail::tool {
namespace {

struct Result {
  double load_ms = 0, first_run_ms = 0, median_ms = 0, min_ms = 0;
  size_t runs = 0;
};

// One timed run: every input is set by copy, the model runs, every output is asked for.
double timed_run(Executor& executor, const std::vector<Tensor>& inputs) {
  const auto begin = Clock::now();
  for (size_t k = 0; k < inputs.size(); ++k) executor.set_input(k, inputs[k]);
  executor.run();
  for (int k = 0; k < executor.num_outputs(); ++k) executor.get_output(k);
  return milliseconds_since(begin);
}

Result measure(const TimingOptions& options) {
  if (options.threads > 0) set_num_threads(options.threads);
  Result result;
  const auto begin = Clock::now();
  Executor executor = make_executor(options);
  result.load_ms = milliseconds_since(begin);
  const std::vector<Tensor> inputs = make_inputs(executor.model(), options);
  result.first_run_ms = timed_run(executor, inputs);
  std::vector<double> times;
  double last = 0;
  repeat([&] { last = timed_run(executor, inputs); }, [&] { times.push_back(last); });
  result.min_ms = *std::min_element(times.begin(), times.end());
  result.median_ms = median_of(times);
  result.runs = times.size();
  return result;
}

void run(const TimingOptions& options) {
  const Result result = measure(options);
  if (options.json) {
    const nlohmann::ordered_json json = {{"load_ms", result.load_ms},
                                         {"first_run_ms", result.first_run_ms},
                                         {"median_ms", result.median_ms},
                                         {"min_ms", result.min_ms},
                                         {"runs", result.runs}};
    fmt::print("{}\n", json.dump());
    return;
  }
  fmt::print("load {:.3f} ms, first run {:.3f} ms, median {:.3f} ms, best {:.3f} ms of {} runs\n",
             result.load_ms, result.first_run_ms, result.median_ms, result.min_ms, result.runs);
}

}  // namespace

void add_bench(CLI::App& app) {
  auto options = std::make_shared<TimingOptions>();
  CLI::App* command =
      app.add_subcommand("bench", "Time a model: inputs that are not given are random");
  add_timing_options(*command, *options);
  command->callback([options] { run(*options); });
}

}  // namespace dovetail::tool
