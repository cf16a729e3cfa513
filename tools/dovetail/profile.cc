// dovetail profile LIB
#include <dovetail/runtime.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "commands.h"
#include "inputs.h"
#include "machine_peak.h"
#include "timing.h"

namespace dovetail::tool {
namespace {

// What a step, or all steps of one operator, did in a run: each call in a loop counts.
struct Row {
  std::string kernel, nodes, operators;
  int64_t calls = 0;
  double flops = 0, bytes = 0;
  std::vector<double> times;  // milliseconds, one per run
  double ms = 0;              // their median
};

struct Profile {
  std::string model;
  int threads = 0;
  MachinePeak peak;
  std::vector<double> run_times;  // milliseconds
  std::vector<double> covered;    // the part of each that its steps took
  double run_ms = 0;              // their median
  double steps_ms = 0;            // the sum of the steps' medians
  std::vector<Row> steps;         // those that ran, in the order of the plan
  std::vector<Row> operators;     // the slowest first
};

// "Conv, Relu, Conv" becomes "Conv+Relu": the types of the nodes that a step fuses, each once.
std::string operator_of(const std::string& types) {
  std::string result;
  std::set<std::string> seen;
  for (size_t at = 0; at < types.size();) {
    const size_t end = std::min(types.find(", ", at), types.size());
    const std::string type = types.substr(at, end - at);
    if (seen.insert(type).second) result += (result.empty() ? "" : "+") + type;
    at = end + 2;
  }
  return result.empty() ? "(none)" : result;
}

// Adds a run's steps to the rows, which the first run makes.
void add_run(const std::vector<StepTime>& times, std::map<const dv_step*, Row>* rows) {
  for (const StepTime& time : times) {
    Row& row = (*rows)[time.step];
    row.kernel = time.step->kernel;
    row.nodes = time.step->nodes;
    row.operators = time.step->operators;
  }
  for (auto& [step, row] : *rows) {
    row.calls = 0;
    row.flops = row.bytes = 0;
    row.times.push_back(0);
  }
  for (const StepTime& time : times) {
    Row& row = rows->at(time.step);
    ++row.calls;
    row.flops += static_cast<double>(time.flops);
    row.bytes += static_cast<double>(time.bytes);
    row.times.back() += time.milliseconds;
  }
}

std::vector<Row> by_operator(const std::vector<Row>& steps) {
  std::map<std::string, Row> rows;
  for (const Row& step : steps) {
    Row& row = rows[operator_of(step.operators)];
    row.operators = operator_of(step.operators);
    row.calls += step.calls;
    row.flops += step.flops;
    row.bytes += step.bytes;
    row.ms += step.ms;
  }
  std::vector<Row> sorted;
  for (auto& [name, row] : rows) sorted.push_back(std::move(row));
  std::ranges::sort(sorted, std::greater(), &Row::ms);
  return sorted;
}

Profile measure(const TimingOptions& options) {
  if (options.threads > 0) set_num_threads(options.threads);
  DebugExecutor executor(make_executor(options, ".debug").module());
  const std::vector<Tensor> inputs = make_inputs(executor.model(), options);
  for (size_t k = 0; k < inputs.size(); ++k) executor.set_input(k, inputs[k]);
  Profile profile;
  profile.model = executor.model().name;
  profile.threads = num_threads();
  profile.peak = measure_peak(profile.threads);
  std::map<const dv_step*, Row> rows;  // steps lie in one array, in the order of the plan
  double last = 0;
  const auto run = [&] {
    const auto begin = Clock::now();
    executor.profile();
    last = milliseconds_since(begin);
  };
  repeat(run, [&] {
    profile.run_times.push_back(last);
    const std::vector<StepTime> times = executor.step_times();
    double sum = 0;
    for (const StepTime& time : times) sum += time.milliseconds;
    profile.covered.push_back(sum / last);
    add_run(times, &rows);
  });
  profile.run_ms = median_of(profile.run_times);
  for (auto& [step, row] : rows) {
    row.ms = median_of(row.times);
    profile.steps_ms += row.ms;
    profile.steps.push_back(std::move(row));
  }
  profile.operators = by_operator(profile.steps);
  return profile;
}

// The least time that the machine's peak allows, as a part of the time it took.
double fraction_of_peak(const Row& row, const MachinePeak& peak) {
  const double least = std::max(row.flops / peak.gflops, row.bytes / peak.gbytes) * 1e-6;
  return row.ms > 0 ? least / row.ms : 0;
}

double rate(double amount, double ms) { return ms > 0 ? amount / ms * 1e-6 : 0; }

nlohmann::ordered_json to_json(const Row& row, const Profile& profile, bool step) {
  nlohmann::ordered_json json;
  if (step) json = {{"kernel", row.kernel}, {"nodes", row.nodes}};
  json["operators"] = row.operators;
  json["calls"] = row.calls;
  json["ms"] = row.ms;
  json["share"] = row.ms / profile.steps_ms;
  json["flops"] = static_cast<int64_t>(row.flops);
  json["bytes"] = static_cast<int64_t>(row.bytes);
  json["gflops"] = rate(row.flops, row.ms);
  json["gbytes"] = rate(row.bytes, row.ms);
  json["peak"] = fraction_of_peak(row, profile.peak);
  return json;
}

void print_json(const Profile& profile) {
  nlohmann::ordered_json json = {
      {"model", profile.model},
      {"threads", profile.threads},
      {"peak", {{"gflops", profile.peak.gflops}, {"gbytes", profile.peak.gbytes}}},
      {"runs", profile.run_times.size()},
      {"run_ms", profile.run_ms},
      {"covered", median_of(profile.covered)},
      {"steps", nlohmann::json::array()},
      {"operators", nlohmann::json::array()}};
  for (const Row& row : profile.steps) json["steps"].push_back(to_json(row, profile, true));
  for (const Row& row : profile.operators) {
    json["operators"].push_back(to_json(row, profile, false));
  }
  fmt::print("{}\n", json.dump());
}

void print_rows(const std::string& title, const std::vector<Row>& rows, const Profile& profile) {
  fmt::print("\n{:>9} {:>6} {:>8} {:>7} {:>6} {:>6}  {}\n", "ms", "share", "GFLOP/s", "GB/s",
             "peak", "calls", title);
  for (const Row& row : rows) {
    const std::string what = row.kernel.empty()
                                 ? row.operators
                                 : fmt::format("{}: {}", operator_of(row.operators), row.nodes);
    fmt::print("{:9.4f} {:5.1f}% {:8.1f} {:7.1f} {:5.1f}% {:6}  {}\n", row.ms,
               100 * row.ms / profile.steps_ms, rate(row.flops, row.ms), rate(row.bytes, row.ms),
               100 * fraction_of_peak(row, profile.peak), row.calls, what);
  }
}

void print_text(const Profile& profile) {
  double flops = 0;
  for (const Row& row : profile.steps) flops += row.flops;
  fmt::print("{}: {:.4f} ms a run (median of {} runs), {} thread{}, {:.1f} GFLOP/s\n",
             profile.model, profile.run_ms, profile.run_times.size(), profile.threads,
             profile.threads == 1 ? "" : "s", rate(flops, profile.run_ms));
  fmt::print("peak of this machine, measured now: {:.1f} GFLOP/s, {:.1f} GB/s\n",
             profile.peak.gflops, profile.peak.gbytes);
  print_rows("step", profile.steps, profile);
  print_rows("operators", profile.operators, profile);
  fmt::print("\n{:9.4f}  all steps; they take {:.1f}% of a run\n", profile.steps_ms,
             100 * median_of(profile.covered));
}

void run(const TimingOptions& options) {
  const Profile profile = measure(options);
  if (options.json) {
    print_json(profile);
  } else {
    print_text(profile);
  }
}

}  // namespace

void add_profile(CLI::App& app) {
  auto options = std::make_shared<TimingOptions>();
  CLI::App* command = app.add_subcommand(
      "profile", "Time every step of a model: inputs that are not given are random");
  add_timing_options(*command, *options);
  command->callback([options] { run(*options); });
}

}  // namespace dovetail::tool
