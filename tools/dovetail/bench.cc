// dovetail bench LIB
#include <dovetail/runtime.h>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "commands.h"
#include "inputs.h"

namespace dovetail::tool {
namespace {

using Clock = std::chrono::steady_clock;

struct Options : InputOptions {
  int threads = 0;  // 0: what the runtime finds
  bool json = false;
};

struct Result {
  double load_ms = 0, first_run_ms = 0, median_ms = 0, min_ms = 0;
  size_t runs = 0;
};

double since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// One timed run: every input is set by copy, the model runs, every output is asked for.
double timed_run(Executor& executor, const std::vector<Tensor>& inputs) {
  const auto begin = Clock::now();
  for (size_t k = 0; k < inputs.size(); ++k) executor.set_input(k, inputs[k]);
  executor.run();
  for (int k = 0; k < executor.num_outputs(); ++k) executor.get_output(k);
  return since(begin);
}

Result measure(const Options& options) {
  constexpr size_t kMinRuns = 10;
  constexpr double kMinMilliseconds = 1000;
  constexpr double kWarmUpMilliseconds = 200;
  if (options.threads > 0) set_num_threads(options.threads);
  Result result;
  const auto begin = Clock::now();
  Executor executor = make_executor(options);
  result.load_ms = since(begin);
  const std::vector<Tensor> inputs = make_inputs(executor.model(), options);
  result.first_run_ms = timed_run(executor, inputs);
  for (const auto warm_up = Clock::now(); since(warm_up) < kWarmUpMilliseconds;)
    timed_run(executor, inputs);
  std::vector<double> times;
  for (const auto start = Clock::now();
       times.size() < kMinRuns || since(start) < kMinMilliseconds;) {
    times.push_back(timed_run(executor, inputs));
  }
  std::sort(times.begin(), times.end());
  result.min_ms = times.front();
  result.median_ms = (times[(times.size() - 1) / 2] + times[times.size() / 2]) / 2;
  result.runs = times.size();
  return result;
}

void run(const Options& options) {
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
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("bench", "Time a model: inputs that are not given are random");
  add_input_options(*command, *options);
  options->random = 0;
  command
      ->add_option("--threads", options->threads,
                   "Threads to use (default: the processors there are)")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--json", options->json, "Print one JSON object and nothing else");
  command->callback([options] { run(*options); });
}

}  // namespace dovetail::tool
